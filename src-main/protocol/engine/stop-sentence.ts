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
        : `The last ${formatted(stop.window)} tokens repeat the ${formatted(stop.window)} before them.`;
    case 'time_limit':
      return `Reached the time limit of ${secondsText(stop.timeLimitMs)} after ${tokenCount(stop.tokens)}.`;
    case 'context_full': {
      const { promptTokens, contextSize } = stop;
      return promptTokens === contextSize
        ? `The prompt fills the context window of ${tokenCount(contextSize)}. There is no room for a reply.`
        : `The context window of ${tokenCount(contextSize)} is full: ${formatted(promptTokens)} in the prompt, ${formatted(contextSize - promptTokens)} in the reply.`;
    }
    case 'user':
      return stop.to === undefined
        ? `Stopped by you after ${tokenCount(stop.tokens)}.`
        : `Stopped after ${tokenCount(stop.tokens)} to ${stop.to}.`;
    case 'error':
      return stop.error.message;
  }
}

/** For example `the last 4 tokens appeared 5 times in a row`. */
export function loopText({ period, tokens }: { period: number; tokens: number }): string {
  const what = period === 1 ? 'the last token' : `the last ${formatted(period)} tokens`;
  const times = Math.floor(tokens / period);
  return `${what} appeared ${times === 2 ? 'twice' : `${formatted(times)} times`} in a row`;
}

/** 1500 ms is `1.5 s`, with a non-breaking space. */
export function secondsText(ms: number): string {
  return `${formatted(ms / 1000)}\u00a0s`;
}

function tokenCount(count: number): string {
  return count === 1 ? '1 token' : `${formatted(count)} tokens`;
}

/** With commas between thousands, and at most three decimals. */
function formatted(value: number): string {
  return value.toLocaleString('en-US');
}
