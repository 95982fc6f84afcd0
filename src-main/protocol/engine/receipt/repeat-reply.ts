import { EngineError } from '../../../engine/api/errors.ts';
import type { GenerateEnd } from '../../../engine/api/types.ts';
import { cancelled, fromErrorPayload } from '../../errors.ts';
import type { EngineApi } from '../api.ts';
import { idsDigest, type ReceiptReply, type ReceiptRequest } from './receipt.ts';

/** A reply and what it was asked for. */
export interface RecordedReply {
  requestedAt: string;
  request: ReceiptRequest;
  /** `idsDigest` of the prompt's ids. */
  promptDigest: string;
  reply: ReceiptReply;
}

/** One of two texts from where they part. */
export interface Continuation {
  /** The first token that differs; null where the reply ended here. */
  id: number | null;
  /** All that follows, that token included. */
  text: string;
}

export type RepeatOutcome =
  | { result: 'identical'; promptIds: number[] }
  /** `at`: index of the first token that differs, from 0. `shared`: the text before it. */
  | {
      result: 'differs';
      promptIds: number[];
      at: number;
      shared: string;
      recorded: Continuation;
      repeated: Continuation;
      /** Text of the repeated reply's first token that differs. */
      firstRepeated: string;
    }
  /** The same request became other tokens, for example because a template writes the date. */
  | { result: 'other_prompt'; promptIds: number[] };

export interface RepeatOptions {
  signal?: AbortSignal;
  /** Called with the number of tokens so far. */
  onToken?(count: number): void;
}

/** Ends that say nothing about the model. The repetition is over with the last token that is recorded. */
const CUT_SHORT: readonly string[] = ['user', 'time_limit', 'error'];

/**
 * Has the engine write a recorded reply again, with the model that is loaded, and compares token by token.
 * @throws EngineError CANCELLED, or why the engine cannot repeat it
 */
export async function repeatReply(
  engine: EngineApi,
  recorded: RecordedReply,
  { signal, onToken }: RepeatOptions = {},
): Promise<RepeatOutcome> {
  const { reply } = recorded;
  const isCut = CUT_SHORT.includes(reply.stop.reason);
  const options = signal === undefined ? {} : { signal };
  let promptIds: number[] = [];
  const tokens: { id: number; text: string }[] = [];
  let at: number | null = null;
  let end: GenerateEnd | null = null;
  for await (const event of engine.stream('generate', requestAgain(recorded), options)) {
    if (event.type === 'start') {
      ({ promptIds } = event);
      if (idsDigest(promptIds) !== recorded.promptDigest) return { result: 'other_prompt', promptIds };
      // There is nothing to compare.
      if (isCut && reply.ids.length === 0) return { result: 'identical', promptIds };
    } else if (event.type === 'token') {
      const { id, text } = event.token;
      if (at === null && id !== reply.ids[tokens.length]) at = tokens.length;
      tokens.push({ id, text });
      onToken?.(tokens.length);
      const isLong = tokens.length >= reply.ids.length;
      if (isLong && (at !== null || isCut)) break;
    } else end = event;
  }
  if (signal?.aborted) throw cancelled('Stopped before the reply was repeated.');
  if (end?.stop.reason === 'error') throw fromErrorPayload(end.stop.error);
  if (end !== null && at === null && tokens.length < reply.ids.length) at = tokens.length;
  const text = tokens.map((token) => token.text).join('');
  // The same tokens that end otherwise are another reply: a stop string may have cut the last one.
  if (at === null && !isCut && text !== reply.text) at = reply.ids.length;
  if (at === null) {
    if (tokens.length < reply.ids.length) throw new EngineError('INTERNAL', 'The reply ended without an end event.');
    return { result: 'identical', promptIds };
  }
  const shared = tokens
    .slice(0, at)
    .map((token) => token.text)
    .join('');
  return {
    result: 'differs',
    promptIds,
    at,
    shared,
    recorded: { id: reply.ids[at] ?? null, text: reply.text.slice(commonLength(shared, reply.text)) },
    repeated: { id: tokens[at]?.id ?? null, text: text.slice(shared.length) },
    firstRepeated: tokens[at]?.text ?? '',
  };
}

/** Of the prompt that a request becomes; computes next to nothing. @throws EngineError like `repeatReply` */
export async function promptIdsOf(engine: EngineApi, recorded: Pick<RecordedReply, 'request' | 'requestedAt'>) {
  for await (const event of engine.stream('generate', requestAgain(recorded))) {
    if (event.type === 'start') return event.promptIds;
  }
  throw new EngineError('INTERNAL', 'The reply ended without a start event.');
}

/** The clock is not repeatable: neither the time that templates write nor when a time limit was reached. */
function requestAgain({ request, requestedAt }: Pick<RecordedReply, 'request' | 'requestedAt'>) {
  const { prompt, stop } = request;
  return {
    ...request,
    prompt: prompt.kind === 'chat' ? { ...prompt, date: requestedAt } : prompt,
    stop: { ...stop, timeLimitMs: null },
    topCandidates: 0,
  };
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
