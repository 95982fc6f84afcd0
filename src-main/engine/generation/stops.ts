/** Why a reply ended, in the words that a person reads. */
import type { EngineError } from '../errors.ts';
import type { Stop } from '../types.ts';

export function stopAtEos(tokenId: number, piece: string): Stop {
  return { reason: 'eos', detail: `The model finished with ${piece} (token ${tokenId}).`, tokenId };
}

export function stopAtGrammarEnd(): Stop {
  return { reason: 'eos', detail: 'The grammar is complete: nothing may follow.' };
}

export function stopAtString(stopString: string): Stop {
  return {
    reason: 'stop_string',
    detail: `Reached the stop string ${JSON.stringify(stopString)}.`,
    stopString,
  };
}

export function stopAtRepetition(window: number): Stop {
  const detail =
    window === 1
      ? 'The last token repeats the one before it.'
      : `The last ${window} tokens repeat the ${window} before them.`;
  return { reason: 'repetition', detail };
}

export function stopAtMaxTokens(maxTokens: number): Stop {
  return { reason: 'max_tokens', detail: `Reached the limit of ${tokenCount(maxTokens)}.` };
}

export function stopAtContextEnd(promptTokens: number, contextSize: number): Stop {
  const detail =
    promptTokens === contextSize
      ? `The prompt fills the context window of ${contextSize} tokens. There is no room for a reply.`
      : `The context window of ${contextSize} tokens is full: ${promptTokens} in the prompt, ${contextSize - promptTokens} in the reply.`;
  return { reason: 'context_full', detail };
}

/** Also says what the model no longer saw. */
export function afterShift(stop: Stop, dropped: number): Stop {
  return {
    ...stop,
    detail: `${stop.detail} The oldest ${tokenCount(dropped)} ${dropped === 1 ? 'was' : 'were'} dropped to make room.`,
  };
}

export function stopAtTimeLimit(timeLimitMs: number, tokens: number): Stop {
  return { reason: 'time_limit', detail: `Reached the time limit of ${timeLimitMs} ms after ${tokenCount(tokens)}.` };
}

export function stopByUser(tokens: number): Stop {
  return { reason: 'user', detail: `Stopped by you after ${tokenCount(tokens)}.` };
}

export function stopByError(error: EngineError): Stop {
  return { reason: 'error', detail: error.message, errorCode: error.code };
}

function tokenCount(count: number): string {
  return count === 1 ? '1 token' : `${count} tokens`;
}
