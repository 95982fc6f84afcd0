/** What closing the view frees, in an engine as Node hosts it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodePlatform } from '../../hosts/node/node-platform.ts';
import { settledArrayBuffers } from '../../hosts/node/test-support/array-buffers.ts';
import type { InsideQuery } from '../api/inside-types.ts';
import { InferenceEngine } from '../index.ts';
import { memoryModelFiles, nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { tinyGguf } from '../test-support/tiny-gguf.ts';

const TOKENS = 900;
const HEADS = 4;
/** What else a test allocates meanwhile. */
const OTHERS = 2e6;

let engine: InferenceEngine;
beforeEach(async () => {
  engine = new InferenceEngine(nodePlatform());
  await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { threads: 1 });
});
afterEach(() => engine.unload());

/** A text that has no token in common with the others. */
const text = (number: number) =>
  Array.from({ length: TOKENS }, (_, i) => 10 + 7 * ((i + 100 * number) % 1000) + number);
const ask = (query: InsideQuery, ids = text(0)) => engine.inside({ ids, interventions: [], query });
const LOGITS = { kind: 'logits', token: TOKENS - 1, top: 1 } as const;

async function cacheOf(ids: number[]) {
  const answer = await ask({ kind: 'cache' }, ids);
  if (answer.kind !== 'cache') throw new TypeError(`Not an answer about the cache: ${answer.kind}.`);
  return answer;
}

it('frees the arrays of all answers at once', async () => {
  const used = () => process.memoryUsage().arrayBuffers;
  const before = await settledArrayBuffers();
  for (const layer of [0, 1]) {
    for (let head = 0; head < HEADS; head++) await ask({ kind: 'attention', layer, head, from: 0, to: TOKENS });
  }
  expect(used() - before).toBeGreaterThan(40e6);
  expect(await engine.releaseInside()).toBeGreaterThan(40e6);
  await expect.poll(used).toBeLessThan(before + OTHERS);
});

it('gives the cells of the KV cache back, and takes none from a chat before', async () => {
  const chat = text(0).slice(0, 50);
  await engine.score({ prompt: { kind: 'ids', ids: chat }, top: 1, last: 1 });
  const { cells, resident } = await cacheOf(chat);
  expect(resident).toBeGreaterThan(40);
  expect(cells).toBeLessThan(2 * TOKENS);
  for (const number of [1, 2, 3]) {
    await ask(LOGITS, text(number));
    expect((await cacheOf(text(number))).resident).toBe(TOKENS - 1);
  }
  expect((await cacheOf(chat)).resident).toBe(resident);
  await engine.releaseInside();
  expect(await cacheOf(chat)).toMatchObject({ free: cells - resident, resident });
});

it('forgets runs of the model that waits beside the loaded one', async () => {
  await ask({ kind: 'norms', from: 0, to: 10 });
  await engine.load(memoryModelFiles('llama', { 'model.gguf': await tinyGguf('llama') }), {
    ...{ keepLoaded: true, contextSize: 64, threads: 1 },
  });
  expect(await engine.releaseInside()).toBeGreaterThan(0);
  expect(await engine.releaseInside()).toBe(0);
});
