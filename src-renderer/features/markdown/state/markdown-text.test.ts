import { expect, test } from 'vitest';
import { parseMarkdown } from '../parse/parse-markdown.ts';
import type { Block, ParseRequest } from '../tree.ts';
import { toHtml } from '../test-support/to-html.ts';
import { MarkdownText, MAX_PARSED, type Later } from './markdown-text.svelte.ts';
import type { MarkdownParser } from './parser-client.ts';

const SAMPLE = `# Title

A *para*
graph with [ref] and [^1].

- one
- two

  loose

\`\`\`js
let a = 1;

let b;
\`\`\`

| a | b |
|---|---|
| 1 | 2 |

> quote

[ref]: https://example.org

Setext
===

[^1]: note
`;

/** Parses here, and counts. */
class TestParser {
  requests: ParseRequest[] = [];
  fails: (request: ParseRequest) => boolean = () => false;

  readonly run: MarkdownParser['run'] = async (task, params) => {
    if (task !== 'parse') throw new Error(task);
    const request = params as ParseRequest;
    this.requests.push(request);
    if (this.fails(request)) throw new Error('too long');
    return { ...parseMarkdown(request), ms: 0 } as never;
  };
}

/** A text, and a clock that runs as fast as it can. */
function growing(from = 0) {
  const parser = new TestParser();
  const queue: (() => void)[] = [];
  let source = '';
  const text = new MarkdownText(
    { slice: (start, end) => source.slice(start, end) },
    from,
    parser,
    (work) => {
      queue.push(work);
      return () => queue.splice(queue.indexOf(work), 1);
    },
    (work) => work(),
  );
  const grow = async (added: string) => {
    source += added;
    text.grow(source.length);
    for (let turn = 0; turn < 10_000 && text.pending; turn++) {
      queue.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { parser, text, grow, blocks: () => text.groups.flatMap(({ blocks }) => blocks) };
}

const shownText = (blocks: readonly Block[]) =>
  blocks.map((block) => ('pieces' in block ? block.pieces.map(({ text }) => text).join('') : '')).join('');

test('however a text arrives, it is the same as at once', async () => {
  const whole = growing();
  await whole.grow(SAMPLE);
  const expected = toHtml(whole.blocks());
  expect(expected).toContain('<a href="https://example.org">ref</a>');
  expect(expected).toContain('<sup>1</sup>');
  for (const step of [1, 2, 3, 7, 20]) {
    const parts = growing();
    for (let at = 0; at < SAMPLE.length; at += step) await parts.grow(SAMPLE.slice(at, at + step));
    expect(toHtml(parts.blocks()), `in steps of ${step}`).toBe(expected);
    expect(parts.text.pending).toBe(false);
  }
});

test('a display formula whose lines look like blocks is the same however it arrives', async () => {
  const source = 'First.\n\nBefore:\n$$\na\n= b\n\n- c\n$$\nAfter.\n\n> \\[\n> d\n> + e\n> \\]\n\n$$\nf\n\n- g\n';
  const whole = growing();
  await whole.grow(source);
  const expected = toHtml(whole.blocks());
  expect(expected).toContain('<math display>\na\n= b\n\n- c\n</math>');
  expect(expected).toContain('<math display>\nd\n+ e\n</math>');
  expect(expected).toContain('<li>g</li>');
  for (const step of [1, 2, 5]) {
    const parts = growing();
    for (let at = 0; at < source.length; at += step) await parts.grow(source.slice(at, at + step));
    expect(toHtml(parts.blocks()), `in steps of ${step}`).toBe(expected);
  }
});

test('only the last block is parsed again, and finished ones keep their identity', async () => {
  const { parser, grow, blocks } = growing();
  const paragraph = 'Some words of a paragraph.\n\n';
  for (let number = 0; number < 200; number++) await grow(paragraph);
  const first = blocks()[0];
  await grow('More');
  expect(blocks()).toHaveLength(201);
  expect(blocks()[0]).toBe(first);
  const longest = Math.max(...parser.requests.map(({ text }) => text.length));
  expect(longest).toBeLessThan(3 * paragraph.length);
});

test('a definition that comes later changes the blocks that refer to it, and no others', async () => {
  const { grow, blocks } = growing();
  await grow('See [a] and [^n].\n\nOther [b].\n\nThird.\n\n');
  const [first, second] = blocks();
  await grow('[a]: https://a.example\n\nEnd.\n\n');
  expect(toHtml(blocks())).toContain('<a href="https://a.example">a</a>');
  expect(blocks()[0]).not.toBe(first);
  expect(blocks()[1]).toBe(second);
  await grow('[^n]: Note\n\nEnd.\n\n');
  expect(toHtml(blocks())).toContain('<sup>n</sup>');
});

test('a block that is too long is plain text with a reason, and formatting resumes after it', async () => {
  const { grow, blocks, text } = growing();
  const long = 'x'.repeat(1_000_000);
  await grow(`*a*\n\n${long}`);
  expect(text.pending).toBe(false);
  await grow('\n\n*b*\n\nc');
  const plain = blocks().filter(({ type }) => type === 'plain');
  expect(shownText(plain).trim()).toSatisfy((text: string) => text === long);
  expect(plain[0]).toMatchObject({ reason: expect.stringContaining('too long') });
  expect(plain.slice(1).every((block) => block.type === 'plain' && block.reason === null)).toBe(true);
  expect(toHtml(blocks().filter(({ type }) => type !== 'plain'))).toBe(
    '<p><em>a</em></p>\n<p><em>b</em></p>\n<p>c</p>\n',
  );
});

test('code that is too long is plain up to its closing fence', async () => {
  const { grow, blocks } = growing();
  const code = `\`\`\`py\n${'# not a heading\n\n'.repeat(MAX_PARSED / 16)}\`\`\``;
  await grow(`${code}\n\n*b*`);
  expect(shownText(blocks()).trim()).toSatisfy((text: string) => text === code);
  expect(blocks().filter(({ type }) => type === 'heading')).toEqual([]);
  expect(blocks().at(-1)).toMatchObject({ type: 'paragraph' });
});

test('a text that cannot be parsed in time is shown, and so is what follows', async () => {
  const { parser, grow, blocks } = growing();
  parser.fails = ({ text }) => text.includes('bad');
  await grow(`${'good\n\n'.repeat(2000)}bad\n\n*fine*\n\nend`);
  const types = blocks().map(({ type }) => type);
  expect(types.slice(0, 1000)).toEqual(Array.from({ length: 1000 }, () => 'paragraph'));
  expect(types.slice(-2)).toEqual(['paragraph', 'paragraph']);
  expect(shownText(blocks())).toContain('bad');
  expect(parser.requests.length).toBeLessThan(1000);
});

test('thousands of nested quotes are plain text', async () => {
  const { grow, blocks } = growing();
  const quotes = `${'> '.repeat(10_000)}deep`;
  await grow(`before\n\n${quotes}\n\nafter\n\n*end*`);
  expect(shownText(blocks()).trim()).toSatisfy((text: string) => text === quotes);
  expect(blocks().at(-1)).toMatchObject({ type: 'paragraph' });
});

test('footnotes are numbered in the order of their calls', async () => {
  const { grow, text } = growing();
  await grow('[^b] [^a]\n\n[^a]: A\n\n[^b]: B\n\nend');
  expect([...text.footnotes]).toEqual([
    ['b', 1],
    ['a', 2],
  ]);
});

test('a first answer that comes late does not shorten the text', async () => {
  let source = 'One';
  const answers: (() => void)[] = [];
  const parser: MarkdownParser = {
    run: async (_, params) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return { ...parseMarkdown(params as ParseRequest), ms: 0 } as never;
    },
  };
  const now: Later = (work) => {
    work();
    return () => undefined;
  };
  const text = new MarkdownText({ slice: (start, end) => source.slice(start, end) }, 0, parser, now, (work) => work());
  text.grow(source.length);
  source = 'One two three';
  text.grow(source.length);
  answers[0]!();
  await expect.poll(() => answers.length).toBe(2);
  expect(text.groups).toEqual([]);
  answers[1]!();
  await expect.poll(() => text.groups.flatMap(({ blocks }) => blocks).length).toBe(1);
  expect(toHtml(text.groups.flatMap(({ blocks }) => [...blocks]))).toContain('One two three');
});
