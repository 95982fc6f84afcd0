import { expect, it } from 'vitest';
import { ContextWindow } from '../generation/context-window.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { CONTEXT, gpuModels, someIds, wasmModel } from '../test-support/inside-models.ts';
import { nodePlatform } from '../test-support/tiny-engine.ts';
import { layerOf, normsOf } from './layer-view.ts';

/** A run of a model, with what its cache holds. @param tokens of the run, and of the other chat in the cache */
async function open(tokens: number, other: number, openModel = wasmModel) {
  const { model, executor } = await openModel('gemma3');
  const context = new ContextWindow(executor, new KvCache(CONTEXT));
  const chat = someIds(model, CONTEXT).toReversed().slice(0, other);
  if (other > 0) await context.run(chat, { logits: [] });
  context.fresh();
  const parts = { platform: nodePlatform(), cancel: undefined, causal: true, interventions: [] };
  return { chat, run: { model, executor, context, program: model.program, ids: someIds(model, tokens), ...parts } };
}

/** Float32 sums of other slices or in another order, through all layers: relative errors of about 1e-5. */
const FLOAT32 = 1e-4;

const gpuModel = await gpuModels();

it.each([
  ['a run that fills the cache', CONTEXT, 0, true],
  ['a run that leaves little room beside a chat', 30, CONTEXT - 35, false],
])('has the same numbers for %s', async (_, tokens, other, isChat) => {
  const { run, chat } = await open(tokens, other);
  const range = { from: 5, to: tokens };
  const expected = await normsOf((await open(tokens, 0)).run, range);
  if (isChat) await run.context.run(run.ids, { logits: [] });
  const found = await normsOf(run, range);
  for (const part of ['stream', 'attention', 'feedForward'] as const) {
    found[part].forEach((length, i) => expectClose(length, expected[part][i]));
  }
  const { output } = await layerOf(run, { layer: 3, from: 7, to: 9 });
  const width = output.length / 2;
  expectClose(Math.hypot(...output.subarray(width)), expected.stream[4 * (tokens - 5) + 3]);
  // The chat in the cache stays.
  const { resident } = run.context.contents(isChat ? run.ids : chat);
  expect(resident).toBe(isChat ? tokens - 1 : other);
});

// In the full run.
it.each(gpuModel ? [['webgpu', gpuModel] as const] : [])('has the same numbers on %s', async (_, openModel) => {
  const range = { from: 6, to: 29 };
  const [expected, found] = await Promise.all(
    [wasmModel, openModel].map(async (opener) => normsOf((await open(30, 0, opener)).run, range)),
  );
  found.stream.forEach((length, i) => expectClose(length, expected.stream[i]));
});

function expectClose(found: number, expected: number): void {
  expect(Math.abs(found - expected)).toBeLessThan(FLOAT32 * expected);
}
