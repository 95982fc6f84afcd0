/** Times an engine as people use it: whole replies, from ids to ids. */
import { defaultGenerateParams } from '../../../engine/defaults.ts';
import type { InferenceEngine } from '../../../engine/index.ts';
import type { GenerateParams, Timings } from '../../../engine/types.ts';
import type { BenchJob, Rate } from './bench-job.ts';

/** Counts up, so that no prompt begins like one before it and nothing is found in the cache. */
let prompts = 0;

/** Token ids that say nothing but are not all the same. */
function promptIds(count: number, vocabularySize: number): number[] {
  const seed = ++prompts * 7919;
  return Array.from({ length: count }, (_, i) => (seed + i * 2971) % vocabularySize);
}

function greedy(ids: number[], tokens: number): GenerateParams {
  const params = defaultGenerateParams({ kind: 'ids', ids });
  return {
    ...params,
    sampling: { ...params.sampling, temperature: 0 },
    stop: { ...params.stop, maxTokens: tokens, repetitionWindow: 0, ignoreEos: true },
  };
}

async function timingsOf(engine: InferenceEngine, params: GenerateParams): Promise<Timings> {
  for await (const event of engine.generate(params)) {
    if (event.type !== 'end') continue;
    if (event.stop.reason === 'error') throw new Error(event.stop.detail);
    return event.timings;
  }
  throw new Error('A reply ended without its end event.');
}

/** @returns tokens per second */
export async function measurePrefill(engine: InferenceEngine, job: BenchJob, vocabulary: number): Promise<Rate> {
  const rates: number[] = [];
  // The first one warms caches and compilers up and is not counted.
  for (let round = 0; round <= job.repeat; round++) {
    const { prefillTokensPerSecond } = await timingsOf(engine, greedy(promptIds(job.prompt, vocabulary), 1));
    if (round > 0) rates.push(prefillTokensPerSecond ?? 0);
  }
  return { tokens: job.prompt, tokensPerSecond: median(rates) };
}

export async function measureDecode(
  engine: InferenceEngine,
  job: BenchJob,
  context: number,
  vocabulary: number,
): Promise<Rate & { context: number }> {
  const ids = promptIds(context, vocabulary);
  const rates: number[] = [];
  for (let round = 0; round <= job.repeat; round++) {
    // The prompt is in the cache after the first round; what is timed comes after it.
    const { decodeTokensPerSecond } = await timingsOf(engine, greedy(ids, job.generate + 1));
    if (round > 0) rates.push(decodeTokensPerSecond ?? 0);
  }
  return { context, tokens: job.generate, tokensPerSecond: median(rates) };
}

/** @param values at least one */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
