/** Why a reply ended, in the sentence that a person reads. */
import type { Stop } from '../../engine/api/types.ts';

/** One sentence with the values, for example `Reached the limit of 96 tokens.` */
export function stopSentence(stop: Stop): string {
  const { droppedTokens = 0 } = stop;
  const sentence = sentenceOf(stop);
  if (droppedTokens === 0) return sentence;
  return `${sentence} The oldest ${tokenCount(droppedTokens)} ${droppedTokens === 1 ? 'was' : 'were'} dropped to make room.`;
}

function sentenceOf(stop: Stop): string {
  switch (stop.reason) {
    case 'eos': {
      const { token } = stop;
      if (token === null) return 'The grammar is complete: nothing may follow.';
      return `The model finished with ${token.piece} (token ${token.id}).`;
    }
    case 'max_tokens':
      return `Reached the limit of ${tokenCount(stop.maxTokens)}.`;
    case 'stop_string':
      return `Reached the stop string ${JSON.stringify(stop.stopString)}.`;
    case 'repetition':
      if (stop.loop !== undefined) return `The reply repeats itself: ${loopText(stop.loop)}.`;
      return stop.window === 1
        ? 'The last token repeats the one before it.'
        : `The last ${stop.window} tokens repeat the ${stop.window} before them.`;
    case 'time_limit':
      return `Reached the time limit of ${stop.timeLimitMs} ms after ${tokenCount(stop.tokens)}.`;
    case 'context_full': {
      const { promptTokens, contextSize } = stop;
      return promptTokens === contextSize
        ? `The prompt fills the context window of ${contextSize} tokens. There is no room for a reply.`
        : `The context window of ${contextSize} tokens is full: ${promptTokens} in the prompt, ${contextSize - promptTokens} in the reply.`;
    }
    case 'user':
      return stop.to === undefined
        ? `Stopped by you after ${tokenCount(stop.tokens)}.`
        : `Stopped after ${tokenCount(stop.tokens)} to ${stop.to}.`;
    case 'error':
      return stop.error.message;
  }
}

/** For example `the last 4 tokens came 5 times in a row`. */
export function loopText({ period, tokens }: { period: number; tokens: number }): string {
  const what = period === 1 ? 'the last token' : `the last ${period} tokens`;
  const times = Math.floor(tokens / period);
  return `${what} came ${times === 2 ? 'twice' : `${times} times`} in a row`;
}

function tokenCount(count: number): string {
  return count === 1 ? '1 token' : `${count} tokens`;
}
