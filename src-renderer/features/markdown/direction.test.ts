import { expect, test } from 'vitest';
import { directionOf } from './direction.ts';
import { parseMarkdown } from './parse/parse-markdown.ts';

const direction = (text: string) => {
  const { blocks } = parseMarkdown({ text, base: 0, definitions: [], footnotes: [] });
  return blocks.map((block) => directionOf([block]));
};

test.each([
  ['hello עולם', 'ltr'],
  ['123, 45 %', undefined],
  ['# **שלום**', 'rtl'],
  ['- 1\n- مرحبا', 'rtl'],
  ['> > שלום', 'rtl'],
  ['| 1 | ב |\n|---|---|\n| a | b |', 'rtl'],
  ['`code` שלום', 'rtl'],
  ['$x$ שלום', 'rtl'],
  ['![שלום](https://example.com/a.png) and more', 'rtl'],
  ['```\ncode\n```', undefined],
  ['***', undefined],
])('%s', (text, expected) => {
  expect(direction(text)).toEqual([expected]);
});
