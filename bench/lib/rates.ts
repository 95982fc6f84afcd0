/** What the comparisons of this folder measure: a prompt, and tokens after it. */
import { batchOf } from '../../src-main/engine/executors/batch.ts';
import type { Executor } from '../../src-main/engine/executors/executor.ts';
import { KvCache } from '../../src-main/engine/kv-cache/kv-cache.ts';

const PROMPT = 256;
const STEPS = 64;
/** Tokens of a measurement. */
export const CONTEXT = PROMPT + STEPS;

export interface ExecutorRates {
  /** Tokens per second of 256 tokens. */
  readonly prefill: number;
  /** Tokens per second of 64 single tokens after them. */
  readonly decode: number;
  /** `[vocabulary]` of the last token. */
  readonly logits: Float32Array;
}

/** @param vocabulary number of tokens, at least one */
export async function measureRates(executor: Executor, vocabulary: number): Promise<ExecutorRates> {
  const id = (i: number) => (i * 37 + 11) % vocabulary;
  const cache = new KvCache(CONTEXT);
  const prompt = Array.from({ length: PROMPT }, (_, i) => id(i));
  const started = performance.now();
  let { logits } = await executor.run(batchOf([cache.append(0, prompt)]), { logits: [PROMPT - 1], lend: true });
  const prefilled = performance.now();
  for (let i = PROMPT; i < CONTEXT; i++) {
    ({ logits } = await executor.run(batchOf([cache.append(0, [id(i)])]), { logits: [0], lend: true }));
  }
  const ended = performance.now();
  return {
    prefill: (1000 * PROMPT) / (prefilled - started),
    decode: (1000 * STEPS) / (ended - prefilled),
    logits: await logits[0].read(),
  };
}
