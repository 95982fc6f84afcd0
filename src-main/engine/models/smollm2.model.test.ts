import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { batchOf } from '../executors/batch.ts';
import type { Executor } from '../executors/executor.ts';
import { createReferenceExecutor } from '../executors/reference/reference-executor.ts';
import { renderChat } from '../generation/prompt.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import type { ChatMessage } from '../api/types.ts';
import type { Model } from './model.ts';
import { openModel } from './open-model.ts';

type TopList = [id: number, logprob: number][];

/** llama.cpp with every tensor dequantised to float32, on the same ids as `Native`. */
interface Float {
  greedy: { prompt: string; prompt_length: number; ids: number[]; top: TopList[] }[];
  perplexity: { ids: number[]; ppl: number }[];
}

/** Unmodified llama.cpp: activations rounded to Q8_1, K and V to f16. */
interface Native {
  tokenize: { text: string; plain: number[]; special: number[]; with_bos: number[] }[];
  greedy: { ids: number[]; generated: number[]; top: TopList[] }[];
  chat: {
    messages: { role: ChatMessage['role']; content: string }[];
    rendered: string;
    ids: number[];
    generated: number[];
    top: TopList[];
  }[];
  perplexity: { ids: number[]; ppl: number }[];
}

const float = readFixture<Float>('smollm2/float.json.gz');
const native = readFixture<Native>('smollm2/q4_1.json.gz');

/**
 * Mean |difference| of the ten highest log-probabilities. Summing in another order gives 4e-6; this is the requirement.
 */
const FLOAT_LOGPROB = 0.005;
const FLOAT_PERPLEXITY = 0.002;
/** llama.cpp differs from itself by 0.075 between stepwise and batched runs. */
const NATIVE_LOGPROB = 0.15;
const NATIVE_PERPLEXITY = 0.03;
const NATIVE_TOP1 = 0.95;

/**
 * A prompt takes the reference executor several seconds, and the text ten. By default this tests the first tokens of one
 * prompt's reply, and everything in the full run. `executors/wasm/smollm2.model.test.ts` compares all of it on the CPU
 * kernels.
 */
const full = process.env.TOKENSCOPE_TEST_FULL === '1';
const prompts = full ? float.greedy.length : 1;
/** Tokens of each reply. */
const steps = full ? Infinity : 24;
const TIMEOUT_MS = 900_000;

const path = await testModelPath();

describe.skipIf(path === null)('SmolLM2-135M-Instruct Q4_1 against llama.cpp (needs the fetched test model)', () => {
  let model: Model;
  let executor: Executor;

  beforeAll(async () => {
    model = await openModel(await singleFile(path!), { contextSize: 256 });
    executor = createReferenceExecutor(model.program, model.weights, { cells: 256 });
  }, TIMEOUT_MS);

  /** Log-probabilities after each of `rows`, with the prompt in one batch. */
  async function logprobs(ids: number[], rows: number[]): Promise<Float32Array[]> {
    const { logits } = await executor.run(batchOf([new KvCache(256).append(0, ids)]), { logits: rows });
    return Promise.all(logits.map(async (handle) => logSoftmax(await handle.read())));
  }

  it('has the facts of its file', () => {
    expect(model.config).toMatchObject({
      architecture: 'llama',
      parameters: 134_515_008,
      layers: 30,
      heads: 9,
      kvHeads: 3,
      headDim: 64,
      vocabularySize: 49_152,
      contextSize: 256,
      bosTokenId: 1,
      eosTokenIds: [0, 2, 4],
    });
  });

  it('tokenizes text identically', () => {
    const { tokenizer } = model;
    for (const { text, plain, special } of native.tokenize) {
      expect(tokenizer.encode(text, { addSpecial: false })).toEqual(plain);
      expect(tokenizer.encode(text, { addSpecial: false, parseSpecial: true })).toEqual(special);
    }
  });

  it('formats and tokenizes a chat identically', () => {
    expect(native.chat).toHaveLength(3);
    for (const { messages, rendered, ids } of native.chat) {
      const chat = renderChat({ messages: messages.map(({ role, content }) => ({ role, text: content })) }, model);
      expect(chat).toMatchObject({ text: rendered, ids, notices: [] });
    }
  });

  it(
    `predicts ${prompts} of ${float.greedy.length} greedy replies`,
    async () => {
      const compared = { float: [] as number[], native: [] as number[], ranks: [] as number[] };
      for (const [i, { prompt, prompt_length, ids, top }] of float.greedy.slice(0, prompts).entries()) {
        const golden = native.greedy[i];
        expect(model.tokenizer.encode(prompt, { addSpecial: false })).toEqual(golden.ids);
        const compare = top.slice(0, steps);
        const found = await logprobs(
          ids.slice(0, prompt_length - 1 + compare.length),
          compare.map((_, step) => prompt_length - 1 + step),
        );
        compare.forEach((list, step) => compared.float.push(...differences(found[step], list)));
        golden.top.slice(0, steps).forEach((list, step) => {
          compared.native.push(...differences(found[step], list));
          compared.ranks.push(rank(found[step], list[0][0]));
        });
      }
      expect(mean(compared.float)).toBeLessThan(FLOAT_LOGPROB);
      expect(mean(compared.native)).toBeLessThan(NATIVE_LOGPROB);
      expect(Math.max(...compared.ranks)).toBeLessThanOrEqual(3);
      expect(compared.ranks.filter((r) => r === 1).length / compared.ranks.length).toBeGreaterThanOrEqual(NATIVE_TOP1);
    },
    TIMEOUT_MS,
  );

  it.each(full ? [0] : [])(
    'gives text %d the same probability',
    async (text) => {
      const { ids, ppl } = float.perplexity[text];
      const found = await logprobs(ids, [...ids.keys()].slice(0, -1));
      const perplexity = Math.exp(-mean(found.map((row, i) => row[ids[i + 1]])));
      expect(Math.abs(perplexity / ppl - 1)).toBeLessThan(FLOAT_PERPLEXITY);
      expect(Math.abs(perplexity / native.perplexity[text].ppl - 1)).toBeLessThan(NATIVE_PERPLEXITY);
    },
    TIMEOUT_MS,
  );
});

/** |difference| of the ten highest. */
function differences(found: Float32Array, golden: TopList): number[] {
  return golden.slice(0, 10).map(([id, logprob]) => Math.abs(found[id] - logprob));
}

/** Rank of a token, from 1. */
function rank(found: Float32Array, id: number): number {
  return 1 + found.reduce((higher, value) => higher + (value > found[id] ? 1 : 0), 0);
}

function logSoftmax(logits: Float32Array): Float32Array {
  const highest = logits.reduce((a, b) => Math.max(a, b));
  const logSum = highest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
  return logits.map((logit) => logit - logSum);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function readFixture<T>(name: string): T {
  const bytes = readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
  return JSON.parse((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()) as T;
}
