import { expect, it } from 'vitest';
import { ContextWindow } from '../generation/context-window.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { tensorName } from '../program/partial-program.ts';
import { TAPS } from '../program/taps.ts';
import { CONTEXT, someIds, wasmModel } from '../test-support/inside-models.ts';
import { nodePlatform } from '../test-support/tiny-engine.ts';
import { requiredTensor, ResidualStream } from './residual-stream.ts';

const TOKENS = 20;

/** A stream of a model of six layers, and the rows of what a layer adds, computed again. */
async function open(keptBytes?: number) {
  const { model, executor } = await wasmModel('gemma3');
  const context = new ContextWindow(executor, new KvCache(CONTEXT));
  const parts = { platform: nodePlatform(), cancel: undefined, causal: true, interventions: [] };
  const run = { model, executor, context, program: model.program, ids: someIds(model, TOKENS), ...parts };
  const stream = new ResidualStream(run, keptBytes);
  const rowsOf = async (layer: number): Promise<number[]> => {
    const tensor = requiredTensor(run, TAPS.feedForwardBlock(layer));
    const rows: number[] = [];
    const wanted = { from: 7, to: 11, tensors: [tensor], attention: false };
    await stream.layer(run, layer, wanted, (taps, from) => {
      if (from >= 7) rows.push(...taps.get(tensorName(tensor))!.data);
    });
    return rows;
  };
  return { run, stream, rowsOf, layers: model.program.kvWidths.length };
}

it('has the same numbers, however little it keeps and in whatever order layers are asked for', async () => {
  const all = await open();
  expect(all.layers).toBeGreaterThan(4);
  const expected: number[][] = [];
  for (let layer = 0; layer < all.layers; layer++) expected.push(await all.rowsOf(layer));
  const { bytes } = all.stream;
  for (const keptBytes of [1, bytes / 2]) {
    const some = await open(keptBytes);
    for (let layer = all.layers - 1; layer >= 0; layer--) expect(await some.rowsOf(layer)).toEqual(expected[layer]);
    expect(some.stream.bytes).toBeLessThan(bytes);
  }
});

it('leaves no cell of the cache and no block behind', async () => {
  const { run, rowsOf, layers } = await open();
  await rowsOf(2);
  await rowsOf(layers - 1);
  expect(run.context.contents(run.ids)).toMatchObject({ free: CONTEXT, resident: 0 });
  (await run.executor.allocateCells(1)).release();
});
