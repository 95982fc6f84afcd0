import { expect, test } from 'vitest';
import { parseMarkdown } from '../parse/parse-markdown.ts';
import type { ParseRequest } from '../tree.ts';
import { MAX_PARSED } from './markdown-text.svelte.ts';
import type { MarkdownParser } from './parser-client.ts';
import { markdownAsShown, markdownAsText } from './reply-as-text.ts';

const parser: MarkdownParser = {
  run: async (_, params) => ({ ...parseMarkdown(params as ParseRequest), ms: 0 }) as never,
};
const DEEP = `${'> '.repeat(70)}x`;

test('after a line that is nested too deeply, the text continues', async () => {
  expect(await markdownAsText(`Before.\n\n${DEEP}\n\n*After.*`, parser)).toBe(`Before.\n\n${DEEP}\n\nAfter.`);
  expect(await markdownAsShown(`*Before.*\n${DEEP}\nmore\n\n*After.*`, parser)).toBe(`Before.\n${DEEP}\nmore\nAfter.`);
  expect(await markdownAsText(`${DEEP}\n \n${DEEP}`, parser)).toBe(`${DEEP}\n\n${DEEP}`);
});

test('a text of several parts is complete', async () => {
  const words = 'Some words of a paragraph. '.repeat(100).trim();
  const paragraphs = Array.from({ length: Math.ceil((2 * MAX_PARSED) / words.length) }, () => words);
  const text = `${paragraphs.join('\n\n')}\n\n${DEEP}\n\n*End.*`;
  expect(await markdownAsText(text, parser)).toBe(text.replaceAll('*', ''));
});
