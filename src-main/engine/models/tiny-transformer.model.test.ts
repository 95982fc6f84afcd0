import { beforeAll, describe, expect, it } from 'vitest';
import { batchOf } from '../executors/batch.ts';
import type { Executor, RunResult } from '../executors/executor.ts';
import { createReferenceExecutor } from '../executors/reference/reference-executor.ts';
import { TAPS } from '../program/taps.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { type Golden, readGolden } from '../test-support/golden.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import type { Model } from './model.ts';
import { openModel } from './open-model.ts';

/**
 * PyTorch sums float32 in another order. The errors of two layers reach logits of up to about 20, where adjacent float32
 * values are 2e-6 apart: 2e-4 is about 100 of these steps, and a wrong formula is off by far more.
 */
const LOGIT_TOLERANCE = 2e-4;
/** Softmax weights are at most 1 and depend on one layer's scores only: an error of 1e-5 is about 100 ulps of 1. */
const ATTENTION_TOLERANCE = 1e-5;
/** Outputs of a layer norm are a few units large; the float32 error of a whole layer's sums stays below this. */
const LAYER_TOLERANCE = 5e-5;
/** One float32 addition of the same two numbers: equal except for the decimal rounding of the golden values. */
const EMBEDDING_TOLERANCE = 1e-6;
/** The golden log-probabilities have five decimals; the rest is the error of the logits. */
const LOGPROB_TOLERANCE = 5e-6 + LOGIT_TOLERANCE;
/** The sums do not depend on how a prompt is split. A wrong cell or position would be off by whole units. */
const CACHE_TOLERANCE = 1e-4;

const EOS = 1;

describe('TinyTransformer against PyTorch', () => {
  let golden: Golden;
  let model: Model;
  let executor: Executor;
  let cache: KvCache;

  beforeAll(async () => {
    golden = readGolden();
    model = await openModel(await nodeModelFiles(TINY_TRANSFORMER_DIR));
    executor = createReferenceExecutor(model.program, model.weights, { cells: 2000 });
    cache = new KvCache(2000);
  });

  /** Appends `ids` to a sequence and runs them; returns the logits of the last. */
  async function feed(sequence: number, ids: number[]): Promise<Float32Array> {
    const result = await executor.run(batchOf([cache.append(sequence, ids)]), { logits: [ids.length - 1] });
    return result.logits[0].read();
  }

  async function runFresh(ids: number[], logits: number[], taps: string[] = []): Promise<RunResult> {
    cache.release(0);
    return executor.run(batchOf([cache.append(0, ids)]), { logits, taps });
  }

  it('has the facts of its configuration', () => {
    expect(model.config).toMatchObject({
      id: 'tiny-transformer',
      architecture: 'TinyTransformer',
      parameters: 2_448_960,
      layers: 2,
      heads: 4,
      headDim: 32,
      contextSize: 1000,
      bosTokenId: 0,
      eosTokenIds: [1],
      maskedTokenIds: [0, 2],
      hasChatRoles: false,
      defaultRepetitionWindow: 10,
      chatTemplate: null,
      reasoningMarks: null,
      samplingDefaults: {},
    });
    expect(model.weights.bytes).toBe(4 * 2_448_960);
    expect(executor.memoryBytes).toMatchObject({ weights: 4 * 2_448_960, kvCache: 2 * 2 * 128 * 4 * 2000 });
  });

  it('gives the raw logits of every prompt', async () => {
    for (const { ids, last_logits } of golden.prompts) {
      const result = await runFresh(ids, [ids.length - 1]);
      expect(largestDifference(await result.logits[0].read(), last_logits)).toBeLessThan(LOGIT_TOLERANCE);
    }
  });

  it('continues every prompt with the same greedy tokens and probabilities', async () => {
    for (const prompt of golden.prompts) {
      cache.release(0);
      let logits = await feed(0, prompt.ids);
      const generated: number[] = [];
      for (const expected of prompt.top) {
        const logprobs = maskedLogprobs(logits, model.config.maskedTokenIds);
        for (const [id, logprob] of expected) expect(Math.abs(logprobs[id] - logprob)).toBeLessThan(LOGPROB_TOLERANCE);
        const best = indexOfHighest(logprobs);
        expect(best).toBe(expected[0][0]);
        if (best === EOS || generated.length === prompt.greedy_ids.length) break;
        generated.push(best);
        logits = await feed(0, [best]);
      }
      expect(generated).toEqual(prompt.greedy_ids);
      const next = indexOfHighest(maskedLogprobs(logits, model.config.maskedTokenIds));
      if (prompt.greedy_stop === 'eos') expect(next).toBe(EOS);
    }
  });

  it('gives the embedding, attention weights and layer outputs', async () => {
    const { ids, embedding, attention, layer_outputs } = golden.trace;
    const taps = [...model.program.taps];
    const { taps: found } = await runFresh(ids, [], taps);
    const tap = (name: string) => found.get(name)!;

    expect(tap(TAPS.embedding).shape).toEqual([ids.length, 128]);
    expect(largestDifference(tap(TAPS.embedding).data, embedding.flat())).toBeLessThan(EMBEDDING_TOLERANCE);
    const sum = tap(TAPS.tokenEmbedding).data.map((value, i) => value + tap(TAPS.positionEmbedding).data[i]);
    expect(tap(TAPS.embedding).data).toEqual(sum);
    for (const layer of [0, 1]) {
      const weights = tap(TAPS.attentionWeights(layer));
      expect(weights.shape).toEqual([4, ids.length, ids.length]);
      expect(largestDifference(weights.data, attention[layer].flat(2))).toBeLessThan(ATTENTION_TOLERANCE);
      const output = tap(TAPS.layerOutput(layer));
      expect(largestDifference(output.data, layer_outputs[layer].flat())).toBeLessThan(LAYER_TOLERANCE);
      expect(tap(TAPS.attentionOutput(layer)).shape).toEqual([ids.length, 128]);
      expect(tap(TAPS.feedForwardHidden(layer)).shape).toEqual([ids.length, 256]);
      expect(tap(TAPS.feedForwardHidden(layer)).data.every((value) => value >= 0)).toBe(true);
    }
  });

  it('reads the whole window of 1000 tokens and no further', async () => {
    const { ids, top5_at_999, mean_nll } = golden.full_window;
    const result = await runFresh(
      ids,
      ids.map((_, row) => row),
    );
    expect([...(await result.logits[999].lend()).top(5)]).toEqual(top5_at_999.map(([id]) => id));
    const last = maskedLogprobs(await result.logits[999].read(), []);
    for (const [id, logprob] of top5_at_999) expect(Math.abs(last[id] - logprob)).toBeLessThan(LOGPROB_TOLERANCE);

    let nll = 0;
    for (let i = 1; i < ids.length; i++) nll -= maskedLogprobs(await result.logits[i - 1].read(), [])[ids[i]];
    // A mean of 999 independent errors: far below a single error.
    expect(Math.abs(nll / (ids.length - 1) - mean_nll)).toBeLessThan(1e-5);

    await expect(feed(0, [5])).rejects.toMatchObject({ code: 'CONTEXT_FULL', details: { position: 1000 } });
  }, 120_000);

  describe('reading a prompt', () => {
    const prefix = () => golden.full_window.ids.slice(0, 60);

    it('gives the same logits in one batch, in slices, token by token and without a cache', async () => {
      const ids = prefix();
      const whole = await runFresh(
        ids,
        ids.map((_, row) => row),
      );
      const expected = await Promise.all(whole.logits.map((handle) => handle.read()));

      for (const size of [1, 7, 16]) {
        cache.release(1);
        for (let at = 0; at < ids.length; at += size) {
          const slice = ids.slice(at, at + size);
          const logits = await feed(1, slice);
          expect(largestDifference(logits, expected[at + slice.length - 1])).toBeLessThan(CACHE_TOLERANCE);
        }
      }
      for (const length of [1, 2, 33, 60]) {
        cache.release(1);
        const logits = await feed(1, ids.slice(0, length));
        expect(largestDifference(logits, expected[length - 1])).toBeLessThan(CACHE_TOLERANCE);
      }
    });

    it('gives each sequence of a batch the same logits as alone, also in fragmented cells', async () => {
      const texts = golden.prompts.map(({ ids }) => ids);
      for (const sequence of [0, 1, 2, 3, 4, 5, 6]) cache.release(sequence);
      const alone: Float32Array[][] = [];
      for (const ids of texts) {
        const result = await runFresh(
          ids,
          ids.map((_, row) => row),
        );
        alone.push(await Promise.all(result.logits.map((handle) => handle.read())));
      }
      cache.release(0);

      // One token of each sequence per step, so that their cells interleave.
      const longest = Math.max(...texts.map(({ length }) => length));
      for (let step = 0; step < longest; step++) {
        const active = texts.map((ids, i) => ({ ids, i })).filter(({ ids }) => step < ids.length);
        const batch = batchOf(active.map(({ ids, i }) => cache.append(i, [ids[step]])));
        const result = await executor.run(batch, { logits: active.map((_, row) => row) });
        for (const [row, { i }] of active.entries()) {
          const logits = await result.logits[row].read();
          expect(largestDifference(logits, alone[i][step])).toBeLessThan(CACHE_TOLERANCE);
        }
      }
    });

    it('continues a fork like a separate sequence', async () => {
      const ids = prefix();
      cache.release(0);
      cache.release(1);
      const expected = await feed(0, [...ids.slice(0, 40), 5, 7]);
      cache.release(0);
      await feed(0, ids);
      cache.fork(0, 1, 40);
      const forked = await feed(1, [5, 7]);
      expect(largestDifference(forked, expected)).toBeLessThan(CACHE_TOLERANCE);
    });
  });
});

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }
  return largest;
}

function maskedLogprobs(logits: Float32Array, masked: readonly number[]): Float64Array {
  const values = Float64Array.from(logits, (logit, id) => (masked.includes(id) ? -Infinity : logit));
  const highest = values.reduce((a, b) => Math.max(a, b));
  const sum = values.reduce((total, value) => total + Math.exp(value - highest), 0);
  return values.map((value) => value - highest - Math.log(sum));
}

function indexOfHighest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
