import { expect, test } from 'vitest';
import { Reply } from '../chat/state/reply.svelte.ts';
import { allowedUrl } from './links.ts';
import { mathElement } from './parse/maths.ts';
import { highlight } from './parse/highlight.ts';
import { parseMarkdown } from './parse/parse-markdown.ts';
import { plainText } from './plain-text.ts';
import { leafTokens } from './state/leaf-tokens.ts';
import type { Leaf } from './tree.ts';
import { styledParts } from './view/styled-parts.ts';

const parse = (text: string) => parseMarkdown({ text, base: 0, definitions: [], footnotes: [] }).blocks;

test('only https addresses without a user name can be opened, and they are shown in ASCII', () => {
  expect(allowedUrl('https://example.org/ä?b')).toBe('https://example.org/%C3%A4?b');
  expect(allowedUrl('https://еxample.org')).toBe('https://xn--xample-2of.org/');
  for (const url of [
    'http://example.org',
    'mailto:a@b.example',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    '/relative',
    '#anchor',
    'https://good.example@evil.example/',
    `https://a.example/${'x'.repeat(2000)}`,
    '',
  ]) {
    expect(allowedUrl(url), url).toBeNull();
  }
});

test('a leaf is split at the borders of tokens; one with an escape is in one piece', () => {
  const texts = ['**bo', 'ld** a', 'nd &am', 'p; \\', '* x'];
  const text = texts.join('');
  const columns = {
    ids: texts.map((_, at) => at),
    lengths: texts.map(({ length }) => length),
    parts: texts.map(() => 0),
    logprobs: texts.map(() => -1),
    latencies: texts.map(() => 1),
  };
  const facts = {} as ConstructorParameters<typeof Reply>[0]['facts'];
  const reply = new Reply({ id: 'r', parent: null, createdAt: '', facts, text, tokens: columns });
  const [paragraph] = parse(text);
  const leaves: Leaf[] = [];
  if (paragraph.type === 'paragraph') {
    for (const node of paragraph.children) {
      if (node.type === 'text') leaves.push(node);
      else if (node.type === 'strong') leaves.push(...(node.children as Leaf[]));
    }
  }
  const split = leaves.map((leaf) => leafTokens(reply, leaf, false).map((token) => [token.index, token.text]));
  expect(split.flat()).toEqual([
    [0, 'bo'],
    [1, 'ld'],
    [1, ' a'],
    [2, 'nd '],
    [2, '&'],
    [3, ' '],
    [3, '*'],
    [4, ' x'],
  ]);
});

test('as text, a reply has no syntax', () => {
  const text =
    '# A *b*\n\n1. c\n   - [x] d\n2. e\n\n| f | g |\n|-|-|\n| h | `i` |\n\n[j](https://k.example) $x$\n\n```\nl\n```';
  expect(plainText(parse(text))).toBe('A b\n\n1. c\n   ☑ d\n2. e\n\nf\tg\nh\ti\n\nj (https://k.example) x\n\nl');
});

test('formulas are MathML of known elements; links and files in them are refused', async () => {
  expect(await mathElement('x^2', false)).toMatchObject({ tag: 'math' });
  for (const tex of ['\\frac{', '\\href{javascript:alert(1)}{x}', '\\includegraphics{x.png}', 'x'.repeat(6000)]) {
    expect(await mathElement(tex, true), tex.slice(0, 40)).toBeNull();
  }
  expect(await mathElement('\\def\\a{\\a\\a}\\a', false)).toBeNull();
});

test('code is highlighted by name or alias, and split into pieces', async () => {
  const code = 'def f():\n  return "x"\n';
  const spans = await highlight(code, 'Py');
  expect(await highlight(code, 'unknown')).toBeNull();
  expect(await highlight(code, 'constructor')).toBeNull();
  const parts = styledParts(code.slice(9), spans ?? [], 9);
  expect(parts.map(({ text }) => text).join('')).toBe(code.slice(9));
  expect(parts).toContainEqual({ text: 'return', scope: 'keyword' });
  expect(parts).toContainEqual({ text: '"x"', scope: 'string' });
});
