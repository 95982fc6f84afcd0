import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { Tokenized, TokenizeParams, TokenPiece } from '../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../src-main/protocol/engine/api.ts';
import { EXAMPLES } from './examples.ts';
import { codePointsOf, countsOf, endsLine, kindText, lookOf } from './pieces.ts';
import { READ_AT_FIRST, TokenizerState } from './tokenizer-state.svelte.ts';
import { visibleParts, visibleText } from '../../lib/visible.ts';

const piece = (text: string, patch: Partial<TokenPiece> = {}): TokenPiece => ({
  id: 5,
  piece: text,
  special: false,
  unknown: false,
  range: [0, text.length],
  bytes: [...new TextEncoder().encode(text)],
  kind: 'normal',
  ...patch,
});

const tokenized = (ranges: TokenPiece['range'][]): Tokenized => ({
  ids: ranges.map(() => 5),
  ranges: Int32Array.from(ranges.flatMap((range) => range ?? [-1, -1])),
  vocabulary: new Map([[5, piece('a')]]),
});

describe('what cannot be seen', () => {
  it('has a sign and a name', () => {
    expect(visibleText(' a\tb\r\n')).toBe('·a⇥b␍⏎');
    expect(visibleParts('a\u200bb')).toEqual([
      { text: 'a', name: null },
      { text: 'ZWSP', name: 'zero width space' },
      { text: 'b', name: null },
    ]);
    expect(visibleText('\u00a0\ufeff\u200d\u202f\u3000\u0001\u2003\ue000')).toBe(
      'NBSPBOMZWJNNBSPIDSPU+0001U+2003U+E000',
    );
  });

  it('leaves a mark on its letter, and gives one that stands alone a place', () => {
    expect(visibleText('e\u0301')).toBe('e\u0301');
    expect(visibleParts('\u0301')).toEqual([{ text: '◌\u0301', name: 'combining mark U+0301' }]);
    expect(visibleText('日本 😀')).toBe('日本·😀');
  });
});

describe('pieces', () => {
  it('look like their text, part of a character like its bytes', () => {
    expect(lookOf(piece(' cat'), '')).toMatchObject({ kind: 'text', parts: [{ text: '·' }, { text: 'cat' }] });
    expect(lookOf(piece('x', { bytes: [0xe2, 0x82] }), '')).toEqual({ kind: 'bytes', hex: 'e2 82' });
    expect(lookOf(piece('\ufefff'), '')).toMatchObject({ parts: [{ text: 'BOM' }, { text: 'f' }] });
    const unknown = piece('<UNK>', { unknown: true, range: [3, 7] });
    expect(lookOf(unknown, 'at café')).toMatchObject({ parts: [{ text: 'café' }] });
    expect(lookOf(piece('<EOS>', { special: true }), '')).toMatchObject({ parts: [{ text: '<EOS>' }] });
  });

  it('say what they are', () => {
    expect(kindText(piece('a'))).toBe('text');
    expect(kindText(piece('<EOS>', { special: true }))).toBe('special token');
    expect(kindText(piece('<0x0A>', { kind: 'byte' }))).toBe('single byte');
    expect(kindText(piece('?', { unknown: true }))).toBe('unknown token');
    expect(codePointsOf([0xf0, 0x9f, 0x98, 0x80])).toBe('U+1F600');
    expect(codePointsOf([0xf0, 0x9f])).toBe('');
    expect(endsLine(piece('}\n'))).toBe(true);
    expect(endsLine(piece('\n', { special: true }))).toBe(false);
  });

  it('are counted, those that were added apart', () => {
    const tokens = tokenized([null, [0, 2], [2, 5], [5, 7]]);
    expect(countsOf('日本 good', tokens)).toEqual({
      ...{ tokens: 4, unknown: 0, characters: 7, bytes: 11, tokensPerWord: 1.5 },
    });
    expect(countsOf('a😀b', tokens)).toMatchObject({ characters: 3, bytes: 6 });
    expect(countsOf(' ', tokenized([]))).toEqual({
      ...{ tokens: 0, unknown: 0, characters: 1, bytes: 1, tokensPerWord: null },
    });
    const unknown = {
      ...tokens,
      ids: [5, 6, 5, 6],
      vocabulary: new Map(tokens.vocabulary).set(6, piece('<UNK>', { unknown: true })),
    };
    expect(countsOf('日本 good', unknown)).toMatchObject({ tokens: 4, unknown: 2 });
  });
});

describe('the state of the view', () => {
  let asked: TokenizeParams[];
  let answer: () => Promise<Tokenized>;
  let state: TokenizerState;

  beforeEach(() => {
    vi.useFakeTimers();
    asked = [];
    answer = () => Promise.resolve(tokenized([[0, 1]]));
    const api = {
      call: (_: string, params: TokenizeParams) => {
        asked.push(params);
        return answer();
      },
    } as unknown as EngineApi;
    state = new TokenizerState({ ready: () => Promise.resolve(api) });
  });
  afterEach(() => vi.useRealTimers());

  it('asks once when typing pauses, with the switches as they are', async () => {
    state.text = 'a';
    const callOff = state.ask('own');
    callOff();
    state.text = 'ab';
    state.parseSpecial = true;
    state.ask('own');
    expect(state.stale).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toEqual([{ text: 'ab', addBos: false, parseSpecial: true }]);
    expect(state.reading).toMatchObject({ text: 'ab' });
    expect(state.stale).toBe(false);
  });

  it('never shows an answer to an older text', async () => {
    let late: () => void = () => undefined;
    answer = () => new Promise((resolve) => (late = () => resolve(tokenized([]))));
    state.text = 'old';
    const callOff = state.ask('own');
    await vi.advanceTimersByTimeAsync(200);
    callOff();
    late();
    await vi.advanceTimersByTimeAsync(0);
    expect(state.reading).toBeNull();
  });

  it('does not show the tokens of one model as those of the next', async () => {
    state.text = 'a';
    state.ask('own');
    await vi.advanceTimersByTimeAsync(200);
    expect(state.reading).not.toBeNull();
    state.ask('own');
    expect(state.reading).not.toBeNull();
    state.ask('other');
    expect(state.reading).toBeNull();
    await vi.advanceTimersByTimeAsync(200);
    expect(state.reading).not.toBeNull();
  });

  it('says why a text was not read, and forgets it with the text', async () => {
    answer = () => Promise.reject(new EngineError('NO_MODEL', 'No model is loaded.'));
    state.text = 'a';
    state.ask('own');
    await vi.advanceTimersByTimeAsync(200);
    expect(state.error).toBe('No model is loaded.');
    state.text = '';
    state.ask('own');
    expect(state).toMatchObject({ error: null, reading: null, stale: false });
  });

  it('reads the beginning of a long text until all is asked for, and cuts no character', () => {
    state.text = 'a'.repeat(READ_AT_FIRST - 1) + '😀'.repeat(5);
    expect(state.part).toBe('a'.repeat(READ_AT_FIRST - 1));
    state.whole = true;
    expect(state.part).toBe(state.text);
    // The next long text is a question of its own.
    state.text = '';
    state.ask('own');
    expect(state.whole).toBe(false);
  });

  it('gives a written text back that an example replaced', () => {
    const [first, second] = EXAMPLES;
    const long = 'a'.repeat(READ_AT_FIRST + 1);
    expect(state.tryExample(first!.text)).toBeNull();
    expect(state.tryExample(second!.text)).toBeNull();
    expect(state.text).toBe(second!.text);
    state.text = long;
    state.whole = true;
    const undo = state.tryExample(first!.text);
    state.ask('own');
    expect(state.text).toBe(first!.text);
    undo?.();
    expect(state).toMatchObject({ text: long, whole: true });
  });
});
