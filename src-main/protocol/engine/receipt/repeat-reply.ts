import { EngineError } from '../../../engine/api/errors.ts';
import type { GenerateEnd } from '../../../engine/api/types.ts';
import { cancelled, fromErrorPayload } from '../../errors.ts';
import type { EngineApi } from '../api.ts';
import { idsDigest, type ReceiptReply, type ReceiptRequest } from './receipt.ts';

/** A reply and its request. */
export interface RecordedReply {
  requestedAt: string;
  request: ReceiptRequest;
  /** `idsDigest` of the prompt's ids. */
  promptDigest: string;
  reply: ReceiptReply;
}

/** The rest of a reply from the first token that differs. */
export interface Continuation {
  /** The first token that differs; null if the reply ends before it. */
  id: number | null;
  /** With that token. */
  text: string;
}

export type RepeatOutcome =
  | { result: 'identical'; promptIds: number[] }
  /** `at`: index of the first token that differs. `shared`: the text before it. */
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
  /** The same request gives another prompt, for example because the template writes the date. */
  | { result: 'other_prompt'; promptIds: number[] };

export interface RepeatOptions {
  signal?: AbortSignal;
  /** Called with the number of tokens so far. */
  onToken?(count: number): void;
}

/** Stop reasons that depend on more than the model: the reply is compared up to its last token. */
const CUT_SHORT: readonly string[] = ['user', 'time_limit', 'error'];

/**
 * Generates a recorded reply again with the loaded model, and compares token by token.
 * @throws EngineError CANCELLED, or any error of `generate`
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
  for await (const event of engine.stream('generate', repeatedRequest(recorded), options)) {
    if (event.type === 'start') {
      ({ promptIds } = event);
      if (idsDigest(promptIds) !== recorded.promptDigest) return { result: 'other_prompt', promptIds };
      if (isCut && reply.ids.length === 0) return { result: 'identical', promptIds };
    } else if (event.type === 'token') {
      const { id, text } = event.token;
      if (at === null && id !== reply.ids[tokens.length]) at = tokens.length;
      tokens.push({ id, text });
      onToken?.(tokens.length);
      const isLong = tokens.length >= reply.ids.length;
      if (isLong && (at !== null || isCut)) break;
    } else if (event.type === 'end') end = event;
  }
  if (signal?.aborted) throw cancelled('Stopped before the reply was complete.');
  if (end?.stop.reason === 'error') throw fromErrorPayload(end.stop.error);
  if (end !== null && at === null && tokens.length < reply.ids.length) at = tokens.length;
  const text = tokens.map((token) => token.text).join('');
  // Same ids, but another end: a stop string may truncate the text of the last token.
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

/** The ids of a request's prompt. Stops before the first token. @throws EngineError as in `repeatReply` */
export async function promptIdsOf(engine: EngineApi, recorded: Pick<RecordedReply, 'request' | 'requestedAt'>) {
  for await (const event of engine.stream('generate', repeatedRequest(recorded))) {
    if (event.type === 'start') return event.promptIds;
  }
  throw new EngineError('INTERNAL', 'The reply ended without a start event.');
}

/** Uses the recorded time instead of the clock, and no time limit. */
function repeatedRequest({ request, requestedAt }: Pick<RecordedReply, 'request' | 'requestedAt'>) {
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
