/** Times an engine as people use it: whole replies, from ids to ids. */
import { defaultGenerateParams } from '../../../engine/api/defaults.ts';
import type { CancelToken } from '../../../engine/api/platform.ts';
import type { GenerateEvent, GenerateParams, LanesEvent, Timings } from '../../../engine/api/types.ts';
import type { BenchCalls } from './bench-messages.ts';
import { contextOf, freshPrompt } from './prompt-ids.ts';

/** An engine with a model, local or at the other end of a connection. */
export interface MeasuredEngine {
  readonly vocabularySize: number;
  generate(params: GenerateParams): AsyncIterable<GenerateEvent>;
}

/** A local engine. */
export interface MeasuredLanes extends MeasuredEngine {
  generateLanes(requests: readonly { params: GenerateParams; cancel?: CancelToken }[]): AsyncIterable<LanesEvent>;
}

function greedy(ids: number[], tokens: number): GenerateParams {
  const params = defaultGenerateParams({ kind: 'ids', ids });
  return {
    ...params,
    sampling: { ...params.sampling, temperature: 0 },
    stop: { ...params.stop, maxTokens: tokens, repetitionWindow: 0, ignoreEos: true },
    // Replies to random tokens repeat themselves.
    speculate: false,
  };
}

/** Null for other events than `end`. */
function timingsOf(event: GenerateEvent): Timings | null {
  if (event.type !== 'end') return null;
  if (event.stop.reason === 'error') throw new Error(event.stop.error.message);
  return event.timings;
}

async function timed(engine: MeasuredEngine, params: GenerateParams): Promise<Timings> {
  for await (const event of engine.generate(params)) {
    const timings = timingsOf(event);
    if (timings !== null) return timings;
  }
  throw new Error('A reply ended without its end event.');
}

export async function measurePrefill(
  engine: MeasuredEngine,
  { tokens }: BenchCalls['prefill']['params'],
): Promise<number> {
  const { prefillTokensPerSecond } = await timed(engine, greedy(freshPrompt(tokens, engine.vocabularySize), 1));
  return prefillTokensPerSecond ?? 0;
}

export async function measureDecode(
  engine: MeasuredEngine,
  { context, tokens }: BenchCalls['decode']['params'],
): Promise<number> {
  // The first token is not counted: it includes the part of the context that was not cached.
  const params = greedy(contextOf(context, engine.vocabularySize), tokens + 1);
  const { decodeTokensPerSecond } = await timed(engine, params);
  return decodeTokensPerSecond ?? 0;
}

export async function measureLanes(
  engine: MeasuredLanes,
  { lanes, context, tokens }: BenchCalls['lanes']['params'],
): Promise<number> {
  const requests = Array.from({ length: lanes }, () => {
    return { params: greedy(freshPrompt(context, engine.vocabularySize), tokens + 1) };
  });
  let rate = 0;
  for await (const each of engine.generateLanes(requests)) {
    // They have equal length and run concurrently.
    if (each.type === 'lane') rate += timingsOf(each.event)?.decodeTokensPerSecond ?? 0;
  }
  return rate;
}
