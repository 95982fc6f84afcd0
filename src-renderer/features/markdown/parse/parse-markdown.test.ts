import { expect, test } from 'vitest';
import { toHtml } from '../test-support/to-html.ts';
import type { Block, Leaf } from '../tree.ts';
import { parseMarkdown } from './parse-markdown.ts';

const parse = (text: string, base = 0) => parseMarkdown({ text, base, definitions: [], footnotes: [] });
const html = (text: string) => toHtml(parse(text).blocks);

function leavesIn(node: unknown): Leaf[] {
  if (typeof node !== 'object' || node === null) return [];
  if ((node as Leaf).type === 'text') return [node as Leaf];
  return Object.values(node).flatMap(leavesIn);
}

test('prices are not maths, and formulas are', () => {
  for (const text of ['It costs $5 and $10.', 'From $5-$10', 'a $ b $ c', '$20,000 and $30', '\\$x$']) {
    expect(html(text), text).not.toContain('<math');
  }
  expect(html('$x_1$, $$y$$, \\(a*b*c\\), \\[z\\]')).toBe(
    '<p><math>x_1</math>, <math display>y</math>, <math>a*b*c</math>, <math display>z</math></p>\n',
  );
  expect(html('> $$\n> a_1\n> $$')).toBe('<blockquote>\n<p><math display>\na_1\n</math></p>\n</blockquote>\n');
});

test('lines of a display formula that look like blocks do not end it', () => {
  for (const tex of ['\n\\frac{a}{b}\n=\nc\n', '\na\n+ b\n', '\na\n- b\n> c\n1. d\n', '\na\n\n= b\n']) {
    for (const [opening, closing] of [
      ['$$', '$$'],
      ['\\[', '\\]'],
    ]) {
      const formula = `<p><math display>${tex.replaceAll('>', '&gt;')}</math></p>\n`;
      expect(html(`${opening}${tex}${closing}`)).toBe(formula);
      expect(html(`Before:\n${opening}${tex}${closing}\nAfter.`)).toBe(`<p>Before:</p>\n${formula}<p>After.</p>\n`);
    }
  }
  expect(html('> $$\n> a\n> - b\n>\n> + c\n> $$\n> d')).toBe(
    '<blockquote>\n<p><math display>\na\n- b\n\n+ c\n</math></p>\n<p>d</p>\n</blockquote>\n',
  );
  expect(html('1. a\n\n   $$\n   b\n   = c\n   $$\n\n2. d')).toBe(
    '<ol>\n<li>\n<p>a</p>\n<p><math display>\nb\n= c\n</math></p>\n</li>\n<li>\n<p>d</p>\n</li>\n</ol>\n',
  );
});

test('what only begins like a display formula of several lines is left alone', () => {
  const list = '<ul>\n<li>b</li>\n</ul>\n';
  expect(html('$$\na\n+ b')).toBe(`<p>$$\na</p>\n${list}`);
  expect(html('\\[\na\n+ b\n\nc')).toBe(`<p>[\na</p>\n${list}<p>c</p>\n`);
  // Its end is outside of the list, or of the quote.
  expect(html('- $$\n  a\n\nb $$')).toBe('<ul>\n<li>$$\na</li>\n</ul>\n<p>b $$</p>\n');
  expect(html('> $$\n> a\n\n$$')).toBe('<blockquote>\n<p>$$\na</p>\n</blockquote>\n<p>$$</p>\n');
  // The second line ends a formula that begins in the first one.
  expect(html('a $$b\n$$\n\nc\n\n$$d$$')).toBe(
    '<p>a <math display>b\n</math></p>\n<p>c</p>\n<p><math display>d</math></p>\n',
  );
  expect(html('\\[a](b)\n- c\n- \\[d\\]')).toContain('<li>c</li>');
  expect(html('```\n$$\n```\n\n- a\n\n$$\nb\n$$')).toContain('<li>a</li>');
});

test('tables, tasks, strikethrough and footnotes', () => {
  expect(html('| a | `b\\|c` |\n|---|--:|\n| 1 | *2* |')).toBe(
    '<table>\n<tr><th>a</th><th><code>b|c</code></th></tr>\n<tr><td>1</td><td><em>2</em></td></tr>\n</table>\n',
  );
  expect(html('- [x] done\n- [ ] ~~to do~~')).toBe('<ul>\n<li>[x] done</li>\n<li>[ ] <del>to do</del></li>\n</ul>\n');
  expect(html('a[^1]\n\n[^1]: b')).toBe('<p>a<sup>1</sup></p>\n<footnote id="1">\n<p>b</p>\n</footnote>\n');
});

test('each leaf has the offsets of its source', () => {
  const text =
    '# A &amp; B\n\n- *c* \\* `d  e`\n  f\n\n> g\n> h\n\n```js\ni\n\n  j\n```\n\n| k | l\\|m |\n|-|-|\n| n | $o$ |\n\n\tp\n';
  const base = 1000;
  for (const leaf of leavesIn(parse(text, base).blocks)) {
    const source = text.slice(leaf.from - base, leaf.to - base);
    if (leaf.text.length === source.length) expect(leaf.text.replace(/\n/gu, ' ')).toBe(source.replace(/\n/gu, ' '));
    else expect(['&amp;', '\\*', '\\|']).toContain(source);
  }
});

test('leaves are in order and do not overlap', () => {
  const leaves = leavesIn(parse('**a** [b](c) ![d](e)\n\n1. f\n   - g\n\n| h | i |\n|-|-|\n| j | k |').blocks);
  const inOrder = leaves.toSorted((a, b) => a.from - b.from);
  for (const [at, leaf] of inOrder.entries()) {
    if (at > 0) expect(leaf.from).toBeGreaterThanOrEqual(inOrder[at - 1].to);
    expect(leaf.after).toBeLessThanOrEqual(leaf.from);
  }
});

test('too many elements or levels make plain text of their block only', () => {
  const table = `| ${'a | '.repeat(80)}\n| ${'- | '.repeat(80)}\n${`| ${'b | '.repeat(80)}\n`.repeat(40)}`;
  const nested = `${'> '.repeat(40)}deep`;
  const { blocks } = parse(`*a*\n\n${table}\n\n${nested}\n\n*b*`);
  expect(blocks.map((block: Block) => (block.type === 'plain' ? block.reason : block.type))).toEqual([
    'paragraph',
    'elements',
    'depth',
    'paragraph',
  ]);
});
