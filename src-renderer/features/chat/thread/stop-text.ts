/** Texts about why replies end. */
import type { EngineErrorCode, ErrorPayload } from '../../../../src-main/engine/api/errors.ts';
import type { SamplingParams, StopReason } from '../../../../src-main/engine/api/types.ts';
import { isEarlierStop, type EarlierStop, type StoredStop } from '../../../../src-main/protocol/app/chats/chat.ts';
import { loopText, secondsText, stopSentence } from '../../../../src-main/protocol/engine/stop-sentence.ts';
import { formatCount, formatInteger } from '../../../ui/format.ts';
import { showTyped } from '../typed-text.ts';

/** Short labels, for lists and charts. */
export const STOP_NAMES: Readonly<Record<StopReason, string>> = {
  eos: 'Finished',
  max_tokens: 'Token limit',
  stop_string: 'Stop string',
  repetition: 'Repetition',
  time_limit: 'Time limit',
  context_full: 'Context full',
  user: 'Stopped by you',
  error: 'Failed',
};

/**
 * A short text under a reply.
 *
 * @param tokens of the reply: more than the limit if it was continued, because the limit is that of a run
 */
export function stopText(stop: StoredStop, tokens = 0): string {
  if (isEarlierStop(stop)) return earlierStopText(stop);
  switch (stop.reason) {
    case 'eos':
      return 'Finished';
    case 'max_tokens':
      return tokens > stop.maxTokens
        ? `Reached the limit of ${formatCount(stop.maxTokens, 'more token')}`
        : `Reached the ${formatInteger(stop.maxTokens)}-token limit`;
    case 'stop_string':
      return stopStringText(stop.stopString);
    case 'repetition':
      if (stop.loop !== undefined) return `It repeats itself: ${loopText(stop.loop)}`;
      return stop.window === 1
        ? 'The last token repeats the one before it'
        : `The last ${formatInteger(stop.window)} tokens repeat those before them`;
    case 'time_limit':
      return `Reached the time limit of ${secondsText(stop.timeLimitMs)}`;
    case 'context_full':
      return `The context window of ${formatInteger(stop.contextSize)} tokens is full`;
    case 'user':
      return stop.to === undefined
        ? 'Stopped by you'
        : `Stopped after ${formatCount(stop.tokens, 'token')} to ${stop.to}`;
    case 'error':
      return failureText(stop.error.code);
  }
}

/** Earlier versions stored the values only as a sentence. */
function earlierStopText(stop: EarlierStop): string {
  if (stop.reason === 'eos') return 'Finished';
  if (stop.reason === 'error') return failureText(stop.errorCode);
  if (stop.stopString !== undefined) return stopStringText(stop.stopString);
  return stop.detail.endsWith('.') ? stop.detail.slice(0, -1) : stop.detail;
}

function stopStringText(stopString: string): string {
  return `Reached the stop string “${showTyped(stopString)}”`;
}

function failureText(code: EngineErrorCode | undefined): string {
  if (code === 'CONTEXT_FULL') return 'Too long for the context window';
  return code === 'BACKEND_LOST' ? 'Engine stopped' : 'Failed';
}

/** Everything known about why a reply ended. */
export function stopDetail(stop: StoredStop): string {
  if (isEarlierStop(stop)) return stop.detail;
  if (stop.reason !== 'error') return stopSentence(stop);
  const { code } = stop.error;
  const text = errorText(stop.error);
  return code === 'BACKEND_LOST' ? `The engine stopped after ${formatCount(stop.tokens, 'token')}. ${text}` : text;
}

/** The engine's message, or one built from its values. */
function errorText({ code, message, details }: ErrorPayload): string {
  const { promptTokens, contextSize, model, advice } = details;
  if (code !== 'CONTEXT_FULL' || typeof promptTokens !== 'number' || typeof contextSize !== 'number') return message;
  // A prompt that fills the window leaves no token for the reply.
  const [has, holds, over] = [promptTokens, contextSize, promptTokens - contextSize + 1].map(formatInteger);
  const ofModel = typeof model === 'string' ? ` of ${model}` : '';
  const alternative = typeof advice === 'string' ? `, or ${advice}` : '';
  return `The prompt has ${has} tokens, but the context window${ofModel} holds ${holds}. Shorten it by at least ${over}${alternative}.`;
}

/** The code of the error that ended a reply; null if it ended in another way. */
export function errorCodeOf(stop: StoredStop | null): EngineErrorCode | null {
  if (stop?.reason !== 'error') return null;
  return (isEarlierStop(stop) ? stop.errorCode : stop.error.code) ?? 'INTERNAL';
}

/** Whether a reply ended, or could not begin, because the context window was full. */
export function isFull(stop: StoredStop | null): boolean {
  return stop?.reason === 'context_full' || errorCodeOf(stop) === 'CONTEXT_FULL';
}

/** Whether a reply can be continued: not after an end token, nor in a full window. */
export function canContinue(stop: StoredStop | null): boolean {
  return stop === null || !['eos', 'context_full'].includes(stop.reason);
}

/**
 * Whether a finished reply can be continued, by banning the end token once. After a complete answer format, nothing but that
 * token is allowed.
 */
export function canContinueAnyway(stop: StoredStop | null, grammar: SamplingParams['grammar']): boolean {
  return stop?.reason === 'eos' && grammar === null;
}
