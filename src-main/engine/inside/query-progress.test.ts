import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodePlatform } from '../../hosts/node/node-platform.ts';
import type { InsideQuery, Intervention } from '../api/inside-types.ts';
import { InferenceEngine } from '../index.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { nowAndThen } from './query-progress.ts';

it('reports no more often than every 100 ms, and nothing of what is soon done', () => {
  let now = 0;
  const reported: number[] = [];
  const report = nowAndThen((fraction) => reported.push(fraction), { now: () => now });
  for (const [at, fraction] of [
    [99, 0.1],
    [100, 0.2],
    [150, 0.3],
    [199, 0.4],
    [260, 0.5],
  ] as const) {
    now = at;
    report(fraction);
  }
  expect(reported).toEqual([0.2, 0.5]);
});

describe('a query', () => {
  /** More than two slices. */
  const TOKENS = 600;
  const { clock, ...platform } = nodePlatform();
  /** Milliseconds that pass whenever the engine looks at the clock; null while it measures its own speed. */
  let step: number | null = null;
  let now = 0;
  const steps = { now: () => (step === null ? clock.now() : (now += step)) };
  const engine = new InferenceEngine({ ...platform, clock: steps });
  beforeAll(async () => {
    await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { threads: 1 });
  });
  afterAll(() => engine.unload());

  /** Of a text that no other has the beginning of. @param ms see `step` */
  async function reported(query: InsideQuery, first: number, ms: number, interventions: Intervention[] = []) {
    step = ms;
    const fractions: number[] = [];
    const ids = Array.from({ length: TOKENS }, (_, i) => first + ((7 * i) % 1000));
    await engine.inside({ ids, interventions, query }, undefined, (fraction) => fractions.push(fraction));
    return fractions;
  }

  const last = TOKENS - 1;
  it.each<[string, InsideQuery, Intervention[]]>([
    ['for the K and V of the tokens before', { kind: 'logits', token: last, top: 1 }, []],
    ['with interventions', { kind: 'lens', token: last, top: 1 }, [{ kind: 'head', layer: 0, head: 1 }]],
    ['for all rows', { kind: 'norms', from: 0, to: TOKENS }, []],
    ['for the last rows', { kind: 'norms', from: last, to: TOKENS }, []],
    ['for the layers before', { kind: 'attention', layer: 1, head: 0, from: 0, to: 9 }, []],
  ])('says how far it is: %s', async (_, query, interventions) => {
    const first = 10 + 11 * query.kind.length;
    const fractions = await reported(query, first, 100, interventions);
    expect(new Set(fractions).size).toBeGreaterThan(1);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions[0]).toBeGreaterThan(0);
    expect(fractions.at(-1)).toBeLessThanOrEqual(1);
    expect(fractions.at(-1)).toBeGreaterThan(0.5);
    // It is known now.
    expect(await reported(query, first, 100, interventions)).toEqual([]);
  });

  it('says nothing when it is soon answered', async () => {
    expect(await reported({ kind: 'norms', from: 0, to: TOKENS }, 500, 0)).toEqual([]);
  });
});
