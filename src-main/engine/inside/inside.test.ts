/** Attribution and the logit lens on every architecture. */
import { describe, expect, it } from 'vitest';
import type { Intervention } from '../api/inside-types.ts';
import { ContextWindow } from '../generation/context-window.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { intervene, replaceTokens } from '../program/interventions.ts';
import {
  ALL_MODELS,
  BUILT_IN,
  CONTEXT,
  lastLogits,
  referenceModel,
  someIds,
  wasmModel,
} from '../test-support/inside-models.ts';
import { nodePlatform } from '../test-support/tiny-engine.ts';
import { attribute } from './attribution.ts';
import { logitLens } from './lens.ts';
import type { InsideRun } from './tapped-row.ts';

/** Of the logit; the parts are float32, added up in double precision. */
const RELATIVE = 1e-3;
/** The matrix product of the logits has float32 sums in both, in the same order. */
const SAME = 1e-6;

async function openRun(name: string, interventions: Intervention[] = [], open = wasmModel): Promise<InsideRun> {
  const { model, executor } = await open(name);
  const context = new ContextWindow(executor, new KvCache(CONTEXT));
  const program = intervene(model.program, interventions);
  const ids = replaceTokens(someIds(model, 24), interventions, model.config.vocabularySize);
  const causal = interventions.every(({ kind }) => kind !== 'causal_mask');
  return { model, executor, context, platform: nodePlatform(), program, interventions, ids, causal, cancel: undefined };
}

describe.each([
  ['wasm', wasmModel],
  ['reference', referenceModel],
] as const)('direct logit attribution, %s', (executor, open) => {
  it.each(executor === 'wasm' ? ALL_MODELS : [BUILT_IN, 'gemma2'])(
    '%s: the parts sum to the logit, without a rest where logits are not capped',
    async (name) => {
      const run = await openRun(name, [], open);
      const logits = await lastLogits(run.executor, run.ids);
      const capped = run.program.ops.at(-1)?.op === 'logits' && name.startsWith('gemma2');
      const [target, rival] = [logits.indexOf(Math.max(...logits)), 5];
      for (const [logit, other] of [
        [logits[target], null],
        [logits[target] - logits[rival], rival],
      ] as const) {
        const found = await attribute(run, run.ids.length - 1, target, other);
        expect(Math.abs(found.logit - logit)).toBeLessThan(SAME * Math.abs(logit) + 1e-5);
        const rest = found.parts.find(({ part }) => part === 'rest')!.value;
        const sum = found.parts.reduce((total, { value }) => total + value, 0);
        expect(Math.abs(sum - logit)).toBeLessThan(RELATIVE * Math.abs(logit));
        if (!capped) expect(Math.abs(rest)).toBeLessThan(RELATIVE * Math.abs(logit));
      }
    },
  );
});

it('names the parts of the built-in model in order', async () => {
  const { parts } = await attribute(await openRun(BUILT_IN), 3, 100, null);
  expect(parts.map(({ part }) => part)).toEqual([
    ...['embed', 'position'],
    ...['attn:0.0', 'attn:0.1', 'attn:0.2', 'attn:0.3', 'ffn:0'],
    ...['attn:1.0', 'attn:1.1', 'attn:1.2', 'attn:1.3', 'ffn:1'],
    ...['bias', 'rest'],
  ]);
});

it.each([
  [{ kind: 'head', layer: 0, head: 2 }, 'attn:0.2'],
  [{ kind: 'feed_forward', layer: 1 }, 'ffn:1'],
  [{ kind: 'positions' }, 'position'],
] as const)('attributes nothing to what is off: %o', async (intervention, part) => {
  for (const interventions of [[intervention], [intervention, { kind: 'causal_mask' } as const]]) {
    const { parts, logit } = await attribute(await openRun(BUILT_IN, interventions), 7, 100, null);
    expect(parts.find((found) => found.part === part)!.value).toBeCloseTo(0, 6);
    expect(Math.abs(parts.find((found) => found.part === 'rest')!.value)).toBeLessThan(RELATIVE * Math.abs(logit));
  }
});

describe('the logit lens', () => {
  it.each(ALL_MODELS)('%s: after the last layer it equals the logits', async (name) => {
    const run = await openRun(name);
    const lens = await logitLens(run, run.ids.length - 1, 5);
    const logits = await lastLogits(run.executor, run.ids);
    expect(lens.map(({ layer }) => layer)).toEqual([...run.program.kvWidths.keys()]);
    for (const { id, logit } of lens.at(-1)!.top)
      expect(Math.abs(logit - logits[id])).toBeLessThan(1e-5 * Math.abs(logit) + 1e-6);
    expect(lens.at(-1)!.top[0].id).toBe(logits.indexOf(Math.max(...logits)));
  });

  it('leaves nothing of a run with interventions that a chat would reuse', async () => {
    const run = await openRun(BUILT_IN, [{ kind: 'positions' }]);
    await logitLens(run, 5, 5);
    expect(run.context.reuse(run.ids)).toBe(0);
    // But the next question does.
    const computed = run.executor.computedTokens;
    await logitLens(run, 4, 5);
    expect(run.executor.computedTokens - computed).toBe(1 + run.program.kvWidths.length);
  });
});
