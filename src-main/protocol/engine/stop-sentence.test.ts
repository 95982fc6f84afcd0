import { describe, expect, it } from 'vitest';
import type { Stop } from '../../engine/api/types.ts';
import { stopSentence } from './stop-sentence.ts';

describe('stopSentence', () => {
  it.each<[Stop, string]>([
    [{ reason: 'eos', token: { id: 1, piece: '<EOS>' } }, 'The model finished with <EOS> (token 1).'],
    [{ reason: 'eos', token: null }, 'The grammar is complete: nothing may follow.'],
    [{ reason: 'max_tokens', maxTokens: 7 }, 'Reached the limit of 7 tokens.'],
    [{ reason: 'max_tokens', maxTokens: 1 }, 'Reached the limit of 1 token.'],
    [{ reason: 'stop_string', stopString: 'c\n"d' }, String.raw`Reached the stop string "c\n\"d".`],
    [
      { reason: 'repetition', window: 10, loop: { period: 7, tokens: 23 } },
      'The reply repeats itself: the last 7 tokens appeared 3 times in a row.',
    ],
    [
      { reason: 'repetition', window: 1, loop: { period: 1, tokens: 2 } },
      'The reply repeats itself: the last token appeared twice in a row.',
    ],
    [{ reason: 'repetition', window: 4 }, 'The last 4 tokens repeat the 4 before them.'],
    [{ reason: 'repetition', window: 1 }, 'The last token repeats the one before it.'],
    [{ reason: 'time_limit', timeLimitMs: 450, tokens: 4 }, 'Reached the time limit of 0.45\u00a0s after 4 tokens.'],
    [
      { reason: 'time_limit', timeLimitMs: 60_000, tokens: 1500 },
      'Reached the time limit of 60\u00a0s after 1,500 tokens.',
    ],
    [
      { reason: 'context_full', promptTokens: 1500, contextSize: 4096 },
      'The context window of 4,096 tokens is full: 1,500 in the prompt, 2,596 in the reply.',
    ],
    [
      { reason: 'context_full', promptTokens: 3, contextSize: 10 },
      'The context window of 10 tokens is full: 3 in the prompt, 7 in the reply.',
    ],
    [
      { reason: 'context_full', promptTokens: 10, contextSize: 10 },
      'The prompt fills the context window of 10 tokens. There is no room for a reply.',
    ],
    [{ reason: 'user', tokens: 4 }, 'Stopped by you after 4 tokens.'],
    [{ reason: 'user', tokens: 2, to: 'load Other' }, 'Stopped after 2 tokens to load Other.'],
    [
      { reason: 'error', tokens: 3, error: { code: 'OUT_OF_MEMORY', message: 'No memory left.', details: {} } },
      'No memory left.',
    ],
    [
      { reason: 'max_tokens', maxTokens: 16, droppedTokens: 10 },
      'Reached the limit of 16 tokens. The oldest 10 tokens were dropped to make room.',
    ],
  ])('%o', (stop, sentence) => expect(stopSentence(stop)).toBe(sentence));
});
