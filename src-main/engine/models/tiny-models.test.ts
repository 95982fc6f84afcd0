import { beforeAll, describe, expect, it } from 'vitest';
import { batchOf } from '../executors/batch.ts';
import type { Executor } from '../executors/executor.ts';
import { createReferenceExecutor } from '../executors/reference/reference-executor.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { TAPS } from '../program/taps.ts';
import {
  type GoldenRun,
  QUANTIZED_MODELS,
  readExactGelu,
  readQuantizedGolden,
  readTinyGolden,
  TINY_MODELS,
  tinyGgufFiles,
} from '../test-support/tiny-gguf.ts';
import type { Model } from './model.ts';
import { openModel } from './open-model.ts';

/** llama.cpp's float32 sums are off by up to 5e-5, half of it from the six digits of the recorded logits. */
const LOGIT_TOLERANCE = 2e-4;
/** llama.cpp computes GELU from a table of f16 values that is off by up to 4e-3. */
const GELU_TABLE_TOLERANCE = 3e-2;
/** Log-probabilities are differences of two logits. */
const LOGPROB_TOLERANCE = 2 * LOGIT_TOLERANCE;
/** The reference executor sums in the same order however a prompt is split. */
const STEPWISE_TOLERANCE = 0;

const exactGelu = readExactGelu();

/** A loaded model and the logits after each token of a prompt run in one batch. */
class Loaded {
  private readonly cache: KvCache;
  private readonly executor: Executor;

  private constructor(readonly model: Model) {
    const cells = model.config.contextSize;
    this.cache = new KvCache(cells);
    this.executor = createReferenceExecutor(model.program, model.weights, { cells });
  }

  static async open(name: string, contextSize: number): Promise<Loaded> {
    return new Loaded(await openModel(await tinyGgufFiles(name), { contextSize }));
  }

  /** Restarts the sequence and returns the logits after each of `ids`. */
  async batch(ids: number[]): Promise<Float32Array[]> {
    this.cache.release(0);
    const result = await this.executor.run(batchOf([this.cache.append(0, ids)]), { logits: ids.map((_, row) => row) });
    return Promise.all(result.logits.map((handle) => handle.read()));
  }

  /** Appends one token. */
  async step(id: number): Promise<Float32Array> {
    const { logits } = await this.executor.run(batchOf([this.cache.append(0, [id])]), { logits: [0] });
    return logits[0].read();
  }

  async taps(ids: number[]): Promise<Map<string, readonly number[]>> {
    this.cache.release(0);
    const names = [...this.model.program.taps];
    const { taps } = await this.executor.run(batchOf([this.cache.append(0, ids)]), { logits: [], taps: names });
    return new Map(names.map((name) => [name, taps.get(name)!.shape]));
  }
}

/** Compares a prompt in one batch, and greedy tokens one by one after it, with a golden run. */
async function expectRun(loaded: Loaded, prompt: number[], golden: GoldenRun, tolerance: number): Promise<void> {
  const logits = await loaded.batch(prompt);
  golden.full_logits.positions.forEach((position, i) => {
    expect(largestDifference(logits[position], golden.full_logits.values[i])).toBeLessThan(tolerance);
  });
  expect(logits.map(highest)).toEqual(golden.per_position.map(({ argmax }) => argmax));

  const chosen: number[] = [];
  let current = logits[prompt.length - 1];
  for (const { top5 } of golden.greedy) {
    const logSum = Math.log(current.reduce((sum, logit) => sum + Math.exp(logit), 0));
    for (const [id, logprob] of top5) {
      expect(Math.abs(current[id] - logSum - logprob)).toBeLessThan(Math.max(LOGPROB_TOLERANCE, 2 * tolerance));
    }
    chosen.push(highest(current));
    current = await loaded.step(chosen.at(-1)!);
  }
  expect(chosen).toEqual(golden.greedy.map(({ id }) => id));
}

describe.each(TINY_MODELS)('%s against llama.cpp', (name) => {
  const golden = readTinyGolden(name);
  const tolerance = name in exactGelu ? GELU_TABLE_TOLERANCE : LOGIT_TOLERANCE;
  let loaded: Loaded;
  beforeAll(async () => {
    loaded = await Loaded.open(name, golden.n_ctx);
  });

  it('gives the same logits and the same greedy tokens', async () => {
    await expectRun(loaded, golden.prompt, golden, tolerance);
  });

  it('gives the same logits token by token as in one batch', async () => {
    const whole = await loaded.batch(golden.prompt);
    await loaded.batch(golden.prompt.slice(0, 1));
    for (let i = 1; i < golden.prompt.length; i++) {
      expect(largestDifference(await loaded.step(golden.prompt[i]), whole[i])).toBeLessThanOrEqual(STEPWISE_TOLERANCE);
    }
  });

  it('tokenizes and detokenizes identically', () => {
    const { tokenizer, config } = loaded.model;
    for (const { text, add_special, parse_special, ids, detokenized } of golden.tokenize) {
      expect(tokenizer.encode(text, { addSpecial: add_special, parseSpecial: parse_special })).toEqual(ids);
      expect(tokenizer.decode(ids, false)).toBe(detokenized);
    }
    expect(config.bosTokenId).toBe(golden.special_tokens.bos);
    expect(config.eosTokenIds).toEqual(golden.special_tokens.eog);
    expect(tokenizer.bosTokenId).toBe(golden.special_tokens.add_bos ? golden.special_tokens.bos : null);
  });

  it('returns taps', async () => {
    const { config } = loaded.model;
    const shapes = await loaded.taps([5, 6, 7]);
    expect(shapes.get(TAPS.tokenEmbedding)).toEqual([3, config.hiddenSize]);
    expect(shapes.get(TAPS.embedding)).toEqual([3, config.hiddenSize]);
    expect(shapes.has(TAPS.positionEmbedding)).toBe(config.architecture === 'gpt2');
    for (let layer = 0; layer < config.layers; layer++) {
      expect(shapes.get(TAPS.attentionWeights(layer))).toEqual([config.heads, 3, 3]);
      expect(shapes.get(TAPS.attentionOutput(layer))).toEqual([3, config.hiddenSize]);
      expect(shapes.get(TAPS.feedForwardHidden(layer))).toEqual([3, config.feedForwardSize]);
      expect(shapes.get(TAPS.layerOutput(layer))).toEqual([3, config.hiddenSize]);
    }
  });
});

it.each(Object.entries(exactGelu))('%s gives the logits of the exact GELU', async (name, { full_logits }) => {
  const { prompt, n_ctx } = readTinyGolden(name);
  const logits = await (await Loaded.open(name, n_ctx)).batch(prompt);
  full_logits.positions.forEach((position, i) => {
    expect(largestDifference(logits[position], full_logits.values[i])).toBeLessThan(LOGIT_TOLERANCE);
  });
});

it('phi3-longrope uses other rotary frequencies in a context beyond the pre-training', async () => {
  const { prompt, long_context } = readTinyGolden('phi3-longrope');
  const loaded = await Loaded.open('phi3-longrope', long_context!.n_ctx);
  await expectRun(loaded, prompt, long_context!, LOGIT_TOLERANCE);
});

describe.each(QUANTIZED_MODELS)('%s', (name) => {
  it('gives the logits of its dequantised weights', async () => {
    const { prompt, dequantized } = readQuantizedGolden(name);
    const loaded = await Loaded.open(name, dequantized.n_ctx);
    await expectRun(loaded, prompt, dequantized, LOGIT_TOLERANCE);
  });
});

function highest(values: Float32Array): number {
  return values.reduce((best, value, id) => (value > values[best] ? id : best), 0);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }
  return largest;
}
