import { describe, expect, it } from 'vitest';
import type { EngineErrorCode, ErrorDetails } from '../../../../src-main/engine/api/errors.ts';
import type { Stop } from '../../../../src-main/engine/api/types.ts';
import type { EarlierStop, StoredStop } from '../../../../src-main/protocol/app/chats/chat.ts';
import { canContinue, canContinueAnyway, errorCodeOf, stopDetail, stopText } from './stop-text.ts';

describe('why a reply ended', () => {
  const failed = (code: EngineErrorCode, details: ErrorDetails = {}): Stop => {
    return { reason: 'error', tokens: 3, error: { code, message: 'Gone.', details } };
  };
  it.each<[StoredStop, string]>([
    [{ reason: 'eos', token: null }, 'Finished'],
    [{ reason: 'max_tokens', maxTokens: 1500 }, 'Reached the 1,500-token limit'],
    [{ reason: 'stop_string', stopString: 'very\nwell' }, 'Reached the stop string “very⏎well”'],
    [
      { reason: 'repetition', window: 10, loop: { period: 7, tokens: 23 } },
      'It repeats itself: the last 7 tokens appeared 3 times in a row',
    ],
    [{ reason: 'repetition', window: 10 }, 'The last 10 tokens repeat those before them'],
    [{ reason: 'repetition', window: 1 }, 'The last token repeats the one before it'],
    [{ reason: 'time_limit', timeLimitMs: 1000, tokens: 12 }, 'Reached the time limit of 1\u00a0s'],
    [{ reason: 'time_limit', timeLimitMs: 1500, tokens: 12 }, 'Reached the time limit of 1.5\u00a0s'],
    [{ reason: 'context_full', promptTokens: 3, contextSize: 1000 }, 'The context window of 1,000 tokens is full'],
    [{ reason: 'user', tokens: 3 }, 'Stopped by you'],
    [{ reason: 'user', tokens: 2, to: 'load Other' }, 'Stopped after 2 tokens to load Other'],
    [failed('BACKEND_LOST'), 'Engine stopped'],
    [failed('CONTEXT_FULL'), 'Too long for the context window'],
    [failed('INTERNAL'), 'Failed'],
  ])('%o', (given, text) => expect(stopText(given)).toBe(text));

  it('counts the tokens since Continue', () => {
    const stop = { reason: 'max_tokens', maxTokens: 20 } as const;
    expect(stopText(stop, 20)).toBe('Reached the 20-token limit');
    expect(stopText(stop, 270)).toBe('Reached the limit of 20 more tokens');
  });

  it.each<[EarlierStop, string]>([
    [{ reason: 'eos', detail: 'The model ended the text with <EOS> (token 1).', tokenId: 1 }, 'Finished'],
    [{ reason: 'max_tokens', detail: 'Reached the limit of 1500 tokens.' }, 'Reached the limit of 1500 tokens'],
    [{ reason: 'stop_string', detail: '', stopString: 'very\nwell' }, 'Reached the stop string “very⏎well”'],
    [{ reason: 'user', detail: 'Stopped after 2 tokens to load Other.' }, 'Stopped after 2 tokens to load Other'],
    [{ reason: 'error', detail: 'Gone.', errorCode: 'BACKEND_LOST' }, 'Engine stopped'],
    [{ reason: 'error', detail: 'Gone.' }, 'Failed'],
  ])('as an earlier version stored it: %o', (given, text) => {
    expect(stopText(given)).toBe(text);
    expect(stopDetail(given)).toBe(given.detail);
  });

  it('says in detail what the engine said, and how far it came when it was lost', () => {
    expect(stopDetail({ reason: 'max_tokens', maxTokens: 5 })).toBe('Reached the limit of 5 tokens.');
    expect(stopDetail(failed('INTERNAL'))).toBe('Gone.');
    expect(stopDetail(failed('BACKEND_LOST'))).toBe('The engine stopped after 3 tokens. Gone.');
    const details = { promptTokens: 1201, contextSize: 1000, model: 'Tiny' };
    expect(stopDetail(failed('CONTEXT_FULL', details))).toBe(
      'The prompt has 1,201 tokens, but the context window of Tiny holds 1,000. Shorten it by at least 202.',
    );
    const advice = 'choose “Leave out the beginning” in the Context panel';
    expect(stopDetail(failed('CONTEXT_FULL', { ...details, advice }))).toContain(`by at least 202, or ${advice}.`);
  });

  it('knows the code of an error', () => {
    expect(errorCodeOf(failed('GRAMMAR'))).toBe('GRAMMAR');
    expect(errorCodeOf({ reason: 'error', detail: '', errorCode: 'GRAMMAR' })).toBe('GRAMMAR');
    expect(errorCodeOf({ reason: 'error', detail: '' })).toBe('INTERNAL');
    expect(errorCodeOf({ reason: 'max_tokens', maxTokens: 5 })).toBeNull();
    expect(errorCodeOf(null)).toBeNull();
  });

  it('offers to continue where that makes sense', () => {
    expect(canContinue(null)).toBe(true);
    expect(canContinue({ reason: 'max_tokens', maxTokens: 5 })).toBe(true);
    expect(canContinue(failed('INTERNAL'))).toBe(true);
    expect(canContinue({ reason: 'eos', token: null })).toBe(false);
    expect(canContinue({ reason: 'eos', detail: '' })).toBe(false);
    expect(canContinue({ reason: 'context_full', promptTokens: 3, contextSize: 10 })).toBe(false);
  });

  it('offers to continue past the end token, unless there is an answer format', () => {
    const grammar = { kind: 'gbnf', source: 'root ::= "a"' } as const;
    expect(canContinueAnyway({ reason: 'eos', token: null }, null)).toBe(true);
    expect(canContinueAnyway({ reason: 'eos', detail: '' }, null)).toBe(true);
    expect(canContinueAnyway({ reason: 'eos', token: null }, grammar)).toBe(false);
    expect(canContinueAnyway({ reason: 'max_tokens', maxTokens: 5 }, null)).toBe(false);
    expect(canContinueAnyway(null, null)).toBe(false);
  });
});
