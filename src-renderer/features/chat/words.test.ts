import { describe, expect, it } from 'vitest';
import type { Stop, Tokenized, TokenInfo } from '../../../src-main/engine/types.ts';
import { candidateRows } from './candidates.ts';
import { placeBeside } from './place.ts';
import { canContinue, stopText, typedStopText, visibleText, withThousands } from './stop-words.ts';
import { bitsOf, probabilityStep } from './tint.ts';
import { titleFrom } from './title.ts';
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
  const stop = (reason: Stop['reason'], detail = '', more: Partial<Stop> = {}): Stop => ({ reason, detail, ...more });
  it.each([
    [stop('eos'), 'The model ended its text'],
    [stop('max_tokens', 'Reached the limit of 1500 tokens.'), 'Reached the 1,500-token limit'],
    [stop('stop_string', '', { stopString: 'very\nwell' }), 'Reached the stop text “very⏎well”'],
    [
      stop('repetition', 'The last 10 tokens repeat the 10 before them.'),
      'The last 10 tokens repeat those before them',
    ],
    [stop('time_limit', 'Reached the time limit of 1000 ms after 12 tokens.'), 'Reached the time limit of 1 s'],
    [
      stop('context_full', 'The context window of 1000 tokens is full: …'),
      'The context window of 1,000 tokens is full',
    ],
    [stop('user', 'Stopped by you after 3 tokens.'), 'You stopped it'],
    [stop('error', '', { errorCode: 'BACKEND_LOST' }), 'Engine stopped'],
    [stop('error', '', { errorCode: 'CONTEXT_FULL' }), 'Did not fit the context window'],
    [stop('error', '', { errorCode: 'INTERNAL' }), 'Failed'],
  ])('%o', (given, text) => expect(stopText(given)).toBe(text));

  it('offers to continue where that makes sense', () => {
    expect(canContinue(null)).toBe(true);
    expect(canContinue(stop('max_tokens'))).toBe(true);
    expect(canContinue(stop('error'))).toBe(true);
    expect(canContinue(stop('eos'))).toBe(false);
    expect(canContinue(stop('context_full'))).toBe(false);
  });

  it('writes numbers of sentences as the interface does', () => {
    expect(withThousands('The prompt has 1201 tokens, but the window holds 1000.')).toBe(
      'The prompt has 1,201 tokens, but the window holds 1,000.',
    );
    expect(withThousands('seed a1234, 3.14159, v1.2345')).toBe('seed a1234, 3.14159, v1.2345');
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
    ['best', '80 %', false, false],
    ['⏎', 'cut', false, true],
    ['·rare', '20 %', true, false],
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
