import { expect, test } from 'vitest';
import { tokensOf, wrapTokens } from './wrap-tokens.ts';

/** Every character is 10 px wide. */
const wrap = (texts: readonly string[], width: number) => wrapTokens(texts, width, (text) => [...text].length * 10);
const textsOf = (lines: ReturnType<typeof wrap>) => lines.map((line) => line.map(({ text }) => text).join(''));

test('lines break at spaces, and words of several tokens stay together', () => {
  const lines = wrap([' won', 'der', 'ful', ' cats', ' run'], 150);
  expect(textsOf(lines)).toEqual([' wonderful cats ', 'run']);
  expect(lines[0]).toMatchObject([
    { token: 0, text: ' ', x: 0, width: 10 },
    { token: 0, text: 'won', x: 10, width: 30 },
    { token: 1, text: 'der', x: 40 },
    { token: 2, text: 'ful', x: 70 },
    { token: 3, text: ' ' },
    { token: 3, text: 'cats', x: 110 },
    { token: 4, text: ' ' },
  ]);
  expect(lines[1]).toMatchObject([{ token: 4, text: 'run', x: 0 }]);
});

test('a token is one piece of a line, without the space at its end', () => {
  const lines = wrap([' won', 'der', 'ful', ' cats', ' run'], 150);
  expect(tokensOf(lines[0])).toEqual([
    { token: 0, text: ' won', x: 0, width: 40 },
    { token: 1, text: 'der', x: 40, width: 30 },
    { token: 2, text: 'ful', x: 70, width: 30 },
    { token: 3, text: ' cats', x: 100, width: 50 },
  ]);
  expect(tokensOf(lines[1])).toMatchObject([{ token: 4, text: 'run' }]);
  expect(tokensOf([])).toEqual([]);
  expect(tokensOf(wrap([' '], 50)[0])).toMatchObject([{ text: ' ' }]);
});

test('line breaks of the text are kept, also empty lines', () => {
  expect(textsOf(wrap(['a\n', '\nb\r\n', 'c'], 100))).toEqual(['a', '', 'b', 'c']);
  expect(wrap([], 100)).toEqual([]);
  expect(wrap(['', '\n'], 100)).toEqual([[]]);
});

test('a word that is wider than a line breaks between characters', () => {
  expect(textsOf(wrap(['a ', '😀'.repeat(5), 'bc'], 30))).toEqual(['a ', '😀😀😀', '😀😀b', 'c']);
  expect(textsOf(wrap(['wide'], 5))).toEqual(['w', 'i', 'd', 'e']);
});

test('no text is lost but line breaks', () => {
  const texts = ['The quick\tbrown fox ', 'jumps', ' over\n\nthe lazy dog', '   ', '漢字漢字漢字漢字'];
  for (const width of [10, 35, 70, 200, 1000]) {
    const shown = textsOf(wrap(texts, width)).join('');
    expect(shown.replace(/\s/g, '')).toBe(texts.join('').replace(/\s/g, ''));
  }
});
