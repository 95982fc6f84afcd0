import { describe, expect, it } from 'vitest';
import type { SamplerName, SamplerStageReport } from '../../../../src-main/engine/api/types.ts';
import { biasRows, withBias, withoutBias } from './bias.ts';
import { added, effectOf, moved, rowsFor, stageReports, USUAL_ORDER, without } from './chain.ts';
import { ChainOrder } from './chain-order.svelte.ts';

const report = (stage: string, patch: Partial<SamplerStageReport> = {}): SamplerStageReport => {
  return {
    stage,
    changed: true,
    survivors: 40,
    removed: 0,
    top: [],
    topBefore: [],
    removedTop: [],
    removedMass: 0,
    ...patch,
  };
};

describe('the list of stages', () => {
  it('takes a stage in at its usual place, a second one behind the first', () => {
    const usual = [...USUAL_ORDER];
    expect(added(without(usual, 5), 'top_p')).toEqual(usual);
    expect(added([], 'temperature')).toEqual(['temperature']);
    expect(added(['temperature'], 'penalties')).toEqual(['penalties', 'temperature']);
    expect(added(['min_p', 'top_k'], 'min_p')).toEqual(['min_p', 'min_p', 'top_k']);
    expect(added(['penalties'], 'temperature')).toEqual(['penalties', 'temperature']);
  });

  it('keeps the ids of its rows through every change', () => {
    const first = rowsFor(['top_k', 'top_p', 'top_k'], []);
    expect(new Set(first.map(({ id }) => id)).size).toBe(3);
    const turned = moved(first, 2, 0);
    expect(rowsFor(['top_k', 'top_k', 'top_p'], turned)).toEqual(turned);
    const shorter = rowsFor(['top_p', 'min_p'], turned);
    expect(shorter[0]).toBe(first[1]);
    expect(first.map(({ id }) => id)).not.toContain(shorter[1]?.id);
  });

  it('knows which report is which stage’s, also of one that runs twice', () => {
    const samplers: SamplerName[] = ['top_k', 'temperature', 'top_k'];
    const reports = ['mask', 'logit_bias', 'top_k', 'temperature', 'top_k', 'dist'].map((stage) => report(stage));
    expect(stageReports(reports, samplers)).toEqual([reports[2], reports[3], reports[4]]);
    expect(stageReports([], samplers)).toEqual([null, null, null]);
    // The settings have changed since.
    expect(stageReports(reports, ['min_p'])).toEqual([null]);
  });

  it('says what a stage did', () => {
    expect(effectOf(report('top_k', { removed: 7960 }))).toBe('Leaves 40, cuts 7,960');
    expect(effectOf(report('temperature'))).toBe('Changes 40 probabilities');
    expect(effectOf(report('xtc', { changed: false }))).toBe('No effect here');
  });
});

describe('moving a stage', () => {
  const HEIGHTS = [80, 40, 120];

  it('by keys slides the others out of its way and stays within the list', () => {
    const order = new ChainOrder();
    order.lift(0, HEIGHTS, 'keys');
    expect(order.step(1)).toBe(1);
    expect([0, 1, 2].map((row) => order.offset(row))).toEqual([40, -80, 0]);
    expect([0, 1, 2].map((row) => order.placeOf(row))).toEqual([1, 0, 2]);
    expect(order.step(1)).toBe(2);
    expect(order.step(1)).toBe(2);
    expect([0, 1, 2].map((row) => order.offset(row))).toEqual([160, -80, -80]);
    expect(order.drop()).toEqual({ from: 0, to: 2 });
    expect(order.offset(0)).toBe(0);
    expect(order.drop()).toBeNull();
    expect(order.step(1)).toBeNull();
  });

  it('by pointer passes another one when its edge is at that one’s middle', () => {
    const order = new ChainOrder();
    order.lift(2, HEIGHTS, 'pointer');
    order.drag(-10);
    expect(order.lifted?.at).toBe(2);
    order.drag(-30);
    expect(order.lifted?.at).toBe(1);
    expect([0, 1, 2].map((row) => order.offset(row))).toEqual([0, 120, -30]);
    order.drag(-1000);
    expect(order.drop()).toEqual({ from: 2, to: 0 });
  });

  it('comes to nothing when it is called off, or put down where it was', () => {
    const order = new ChainOrder();
    order.lift(1, HEIGHTS, 'keys');
    order.step(1);
    order.cancel();
    expect(order.offset(1)).toBe(0);
    order.lift(1, HEIGHTS, 'pointer');
    order.drag(10);
    expect(order.drop()).toBeNull();
  });
});

describe('biases', () => {
  const none = { logitBias: [], textBias: [] };

  it('are one per text and token', () => {
    const one = { ...none, ...withBias(none, { by: 'text', text: ' cat', bias: 5 }) };
    const two = { ...one, ...withBias(one, { by: 'id', id: 7, bias: -2 }) };
    const changed = { ...two, ...withBias(two, { by: 'text', text: ' cat', bias: 1 }) };
    expect(biasRows(changed)).toEqual([
      { by: 'text', text: ' cat', bias: 1 },
      { by: 'id', id: 7, bias: -2 },
    ]);
    expect(withoutBias(changed, { by: 'id', id: 7, bias: -2 })).toEqual({ logitBias: [] });
    expect(withoutBias(changed, { by: 'text', text: ' cat', bias: 1 })).toEqual({ textBias: [] });
  });

  it('are all shown if a file has several for one text, until one of them is changed or removed', () => {
    const twice = {
      logitBias: [[5, 1]],
      textBias: [
        ['cat', 1],
        ['5', 3],
        ['cat', 2],
      ],
    } satisfies Parameters<typeof biasRows>[0];
    const [first, , last] = biasRows(twice);
    expect(biasRows(twice)).toHaveLength(4);
    expect([first, last]).toMatchObject([
      { text: 'cat', bias: 1 },
      { text: 'cat', bias: 2 },
    ]);
    expect(withBias(twice, { ...last, bias: 4 })).toEqual({
      textBias: [
        ['cat', 4],
        ['5', 3],
      ],
    });
    expect(withoutBias(twice, last)).toEqual({ textBias: [['5', 3]] });
    // A text that looks like a token id is another row.
    expect(withoutBias(twice, { by: 'id', id: 5, bias: 1 })).toEqual({ logitBias: [] });
  });
});
