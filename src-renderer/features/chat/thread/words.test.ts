import { describe, expect, it } from 'vitest';
import type { EngineErrorCode, ErrorDetails } from '../../../../src-main/engine/errors.ts';
import type { Stop, Tokenized, TokenInfo } from '../../../../src-main/engine/types.ts';
import type { EarlierStop, StoredStop } from '../../../../src-main/protocol/chats/chat.ts';
import { candidateRows } from './candidates.ts';
import { placeBeside } from './place.ts';
import { canContinue, errorCodeOf, stopDetail, stopText, typedStopText, visibleText } from './stop-words.ts';
import { bitsOf, probabilityStep } from './tint.ts';
import { titleFrom } from '../state/title.ts';
import { listUnknown, markUnknown } from './unknown-words.ts';

describe('tint', () => {
  it.each([
    [0, 0],
    [0.0999, 0],
    [0.1, 1],
    [0.3, 3],
    [0.49, 4],
    [0.5, 5],
    [0.7, 7],
    [0.9, 9],
    [0.9899, 9],
    [0.99, 10],
    [1, 10],
  ])('probability %f is step %i', (probability, step) => expect(probabilityStep(Math.log(probability))).toBe(step));

  it('measures surprise in bits', () => {
    expect(bitsOf(Math.log(0.25))).toBeCloseTo(2, 12);
    expect(bitsOf(0)).toBe(0);
    expect(bitsOf(1e-9)).toBe(0);
  });
});

describe('titles', () => {
  it('are the first words', () => {
    expect(titleFrom('Hello  world\n again')).toBe('Hello world again');
    expect(titleFrom('   ')).toBe('New chat');
    const long = titleFrom('Once upon a time, there was a little girl who lived in a house');
    expect(long).toBe('Once upon a time, there was a little girl who…');
    expect([...titleFrom('😀'.repeat(80))]).toHaveLength(49);
  });
});

describe('why a reply ended', () => {
  const failed = (code: EngineErrorCode, details: ErrorDetails = {}): Stop => {
    return { reason: 'error', tokens: 3, error: { code, message: 'Gone.', details } };
  };
  it.each<[StoredStop, string]>([
    [{ reason: 'eos', token: null }, 'Finished'],
    [{ reason: 'max_tokens', maxTokens: 1500 }, 'Reached the 1,500-token limit'],
    [{ reason: 'stop_string', stopString: 'very\nwell' }, 'Reached the stop string “very⏎well”'],
    [{ reason: 'repetition', window: 10 }, 'The last 10 tokens repeat those before them'],
    [{ reason: 'time_limit', timeLimitMs: 1000, tokens: 12 }, 'Reached the time limit of 1\u00a0s'],
    [{ reason: 'time_limit', timeLimitMs: 1500, tokens: 12 }, 'Reached the time limit of 1.5\u00a0s'],
    [{ reason: 'context_full', promptTokens: 3, contextSize: 1000 }, 'The context window of 1,000 tokens is full'],
    [{ reason: 'user', tokens: 3 }, 'Stopped by you'],
    [{ reason: 'user', tokens: 2, to: 'load Other' }, 'Stopped after 2 tokens to load Other'],
    [failed('BACKEND_LOST'), 'Engine stopped'],
    [failed('CONTEXT_FULL'), 'Too long for the context window'],
    [failed('INTERNAL'), 'Failed'],
  ])('%o', (given, text) => expect(stopText(given)).toBe(text));

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
      'The prompt has 1,201 tokens, but the context window of Tiny holds 1,000. Shorten it by at least 201.',
    );
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

  it('reads stop texts as they are typed', () => {
    expect(typedStopText(String.raw`a\nb\\n\t`)).toBe('a\nb\\n\t');
    expect(visibleText('a\n\tb')).toBe('a⏎⇥b');
  });
});

describe('unknown words', () => {
  const text = 'a café and 日本 and café';
  const info = (id: number, unknown: boolean): [number, TokenInfo] => {
    return [id, { id, piece: '', bytes: [], kind: 'normal', special: false, unknown }];
  };
  const tokenized: Tokenized = {
    ids: [0, 7, 2, 2, 2, 2],
    ranges: Int32Array.of(-1, -1, 0, 1, 2, 6, 11, 13, 18, 22, -1, -1),
    vocabulary: new Map([info(0, false), info(7, false), info(2, true)]),
  };

  it('are found and marked, and the parts are the text', () => {
    const parts = markUnknown(text, tokenized);
    expect(parts.map((part) => part.text).join('')).toBe(text);
    expect(parts.filter((part) => part.unknown).map((part) => part.text)).toEqual(['café', '日本', 'café']);
  });

  it('are listed once each', () => {
    expect(listUnknown(text, tokenized)).toBe('café, 日本');
    expect(listUnknown(text, tokenized, 1)).toBe('café and 1 more');
    expect(listUnknown('a', { ...tokenized, ids: [0, 7] })).toBeNull();
  });
});

it('lists legible candidates with the token itself, scaled to the longest bar', () => {
  const candidates = [
    { id: 9, piece: 'best', logprob: Math.log(0.6), sampledProbability: 0.8 },
    { id: 8, piece: '\n', logprob: Math.log(0.2), sampledProbability: null },
  ];
  const chosen = { index: 0, id: 5, text: 'rare', part: 'answer', logprob: Math.log(0.01), latencyMs: 2 } as const;
  const rows = candidateRows(chosen, { piece: ' rare', rank: 40, sampledProbability: 0.2, survivors: 4, candidates });
  expect(rows.map((row) => [row.label, row.value, row.picked, row.gone])).toEqual([
    ['best', '80\u00a0%', false, false],
    ['⏎', 'cut', false, true],
    ['·rare', '20\u00a0%', true, false],
  ]);
  expect(rows[0].after).toBe(1);
  expect(rows[0].before).toBeCloseTo(0.75, 12);
});

describe('place of the popover', () => {
  const column = { left: 232, top: 40, right: 964, bottom: 772 };
  const card = { offsetWidth: 292, offsetHeight: 300 };
  const at = (left: number, top: number) => ({ left, top, right: left + 40, bottom: top + 20 });

  it('is below the token, and above it at the bottom', () => {
    expect(placeBeside(at(400, 150), card, column)).toEqual({ left: 392, top: 178 });
    expect(placeBeside(at(400, 600), card, column)).toEqual({ left: 392, top: 292 });
  });

  it('stays in the column', () => {
    expect(placeBeside(at(930, 150), card, column).left).toBe(964 - 8 - 292);
    expect(placeBeside(at(232, 150), card, column).left).toBe(240);
    expect(placeBeside(at(400, 400), { offsetWidth: 292, offsetHeight: 900 }, column).top).toBe(48);
  });
});
