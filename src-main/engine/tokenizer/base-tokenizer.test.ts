import { expect, it } from 'vitest';
import { BaseTokenizer, type Decoding, type TokenSink, type Section } from './base-tokenizer.ts';
import { Vocabulary } from './vocabulary.ts';

/** One token per character; `<` is special, `>` is found before tokenizing, and there is no token 3. */
class Characters extends BaseTokenizer {
  /** What `startDecoding` was told of each token. */
  readonly firsts: boolean[] = [];

  constructor() {
    const vocabulary = new Vocabulary();
    ['<', 'a', '\ufffd'].forEach((piece, id) => vocabulary.put(piece, id));
    vocabulary.put('>', 4);
    super({ vocabulary, unkTokenId: 2, before: [0], after: [4] });
  }

  bytes(id: number): Uint8Array {
    return new TextEncoder().encode(this.piece(id));
  }
  kind(): 'normal' {
    return 'normal';
  }
  isSpecial(id: number): boolean {
    return id === 0 || this.isHole(id);
  }
  protected sections(text: string): Section[] {
    const at = text.indexOf('>');
    const rest = (start: number, end: number): Section[] => (start < end ? [{ start, end, tokenId: null }] : []);
    if (at === -1) return rest(0, text.length);
    return [...rest(0, at), { start: at, end: at + 1, tokenId: 4 }, ...rest(at + 1, text.length)];
  }
  protected encodeSection(section: string, start: number, _options: unknown, found: TokenSink): void {
    for (let i = 0; i < section.length; i++)
      found(this.vocabulary.id(section[i]) ?? 2, () => [start + i, start + i + 1]);
  }
  protected startDecoding(): Decoding {
    const push = (id: number, isFirst: boolean) => {
      this.firsts.push(isFirst);
      return this.piece(id);
    };
    return { text: { pending: false, flush: () => '.' }, push };
  }
}

it('puts special tokens around a text, and gives ranges of the whole text', () => {
  const tokens = new Characters();
  expect(tokens.encode('a>b')).toEqual([0, 1, 4, 2, 4]);
  expect(tokens.encode('a>b', { addSpecial: false })).toEqual([1, 4, 2]);
  expect(tokens.encodePieces('a>b').map(({ range }) => range)).toEqual([null, [0, 1], [1, 2], [2, 3], null]);
  expect(tokens.encodePieces('b', { addSpecial: false })[0]).toMatchObject({ id: 2, unknown: true, special: false });
});

it('takes a lone surrogate for U+FFFD', () => {
  expect(new Characters().encodePieces('\ud800', { addSpecial: false })[0]).toMatchObject({ id: 2, range: [0, 1] });
});

it('leaves special tokens out of a text, but counts them when it says which token is the first', () => {
  const tokens = new Characters();
  expect(tokens.decode([0, 1, 1])).toBe('aa.');
  expect(tokens.firsts).toEqual([false, false]);
  expect(tokens.decode([0, 1], false)).toBe('<a.');
  expect(tokens.firsts.slice(2)).toEqual([true, false]);
});

it('has ids without a token, which have no text, and ids that do not exist', () => {
  const tokens = new Characters();
  expect(tokens.piece(3)).toBe('<unused 3>');
  expect(tokens.decode([3, 1], false)).toBe('a.');
  for (const id of [-1, 5, 1.5, NaN]) {
    expect(() => tokens.piece(id)).toThrow(`There is no token ${id}: ids run from 0 to 4.`);
    expect(() => tokens.decode([id])).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  }
});
