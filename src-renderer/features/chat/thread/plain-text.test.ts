import { expect, it } from 'vitest';
import { plainText } from './plain-text.ts';

it.each([
  ['# A title #', 'A title'],
  ['Some **bold**, *slanted*, _other_ and ~~gone~~ text', 'Some bold, slanted, other and gone text'],
  ['a snake_case_name and 2 * 3 * 4', 'a snake_case_name and 2 * 3 * 4'],
  ['See [the page](https://example.org "Title") and <b>', 'See the page (https://example.org) and <b>'],
  ['![a cat](cat.png)', 'a cat'],
  ['- one\n- **two**\n1. three', '- one\n- two\n1. three'],
  ['> quoted\n> > twice', 'quoted\ntwice'],
  ['Use `a * b` and ``c`d``', 'Use a * b and c`d'],
  ['```python\nx = "**"\n```\nafter', 'x = "**"\nafter'],
  ['~~~\n```\n~~~', '```'],
  ['| a | b |\n|---|:-:|\n| 1 | 2 |', 'a\tb\n1\t2'],
  ['one\n\n---\n\ntwo', 'one\n\n\ntwo'],
  ['\\*not slanted\\*', '*not slanted*'],
])('%j', (markdown, text) => expect(plainText(markdown)).toBe(text));

it('takes no time for hostile text', () => {
  const before = process.cpuUsage().user;
  plainText('*'.repeat(20_000) + '`'.repeat(20_000) + '['.repeat(20_000));
  // Quadratic time would be minutes; this takes less than 100 ms, and load may slow it down.
  expect((process.cpuUsage().user - before) / 1000).toBeLessThan(3000);
});
