import { describe, expect, it } from 'vitest';
import { blockText, blockTextAround, blockTokens, tokenSegments, wordOf, type BlockView } from './block-tokens.ts';
import { Reply } from '../state/reply.svelte.ts';
import { REPLY_FACTS, token } from '../test-support/fakes.ts';

const TOKENS: BlockView = { asTokens: true, bare: false };
const TEXT: BlockView = { asTokens: false, bare: false };

function replyOf(...texts: string[]): Reply {
  const reply = new Reply({ id: 'r', parent: null, createdAt: '', facts: REPLY_FACTS });
  reply.append(texts.map((text, index) => token(index, { text })));
  return reply;
}

function shown(reply: Reply, view: BlockView) {
  return reply.blocks.map((block) => blockTokens(reply, block, view));
}

describe('the white space of a reply', () => {
  const CODE = ['def', ' f', '():', '\n   ', ' return', '  1', '\n', '\n', '\tx', ' y'];

  it('is all there, in both views and as plain text', () => {
    const reply = replyOf(...CODE);
    for (const view of [TOKENS, TEXT]) {
      const tokens = shown(reply, view).flat();
      expect(tokens.map(({ text }) => text).join('')).toBe(CODE.join(''));
      expect(blockText(reply, reply.blocks[0], view)).toBe(CODE.join(''));
    }
  });

  it('may only vanish at the end of a line where it is one space between words', () => {
    const plain = shown(replyOf(...CODE), TOKENS)
      .flat()
      .filter((one) => one.plain);
    expect(plain.map(({ text }) => text)).toEqual(['def', ' f', '():', ' y']);
    const first = shown(replyOf(' Yes', ' it', ' ', ' is', 'n’t', '', ' so'), TOKENS).flat();
    expect(first.map((one) => one.plain)).toEqual([true, true, false, false, true, false, true]);
  });

  it('has signs where nothing could be pointed at', () => {
    const [tokens] = shown(replyOf(...CODE), TOKENS);
    const signs = tokens.map((one) => tokenSegments(one)?.map(({ sign, text }) => (sign === '' ? text : sign)) ?? null);
    expect(signs).toEqual([
      null,
      null,
      null,
      ['⏎', '···'],
      [' ', 'return'],
      ['··', '1'],
      ['⏎'],
      ['⏎'],
      ['⇥', 'x'],
      null,
    ]);
  });
});

it('leaves out what would be a hole before the first word of a part', () => {
  const reply = replyOf('\n', '\n', ' Yes', ' no');
  const view = { asTokens: false, bare: true };
  expect(blockText(reply, reply.blocks[0], view)).toBe('Yes no');
  const asTokens = shown(reply, { asTokens: true, bare: true }).flat();
  expect(asTokens.map(({ text }) => text)).toEqual(['⏎', '⏎', 'Yes', ' no']);
});

it('splits the text of a block before a token', () => {
  const reply = replyOf(' Yes', ' it', ' is');
  const [block] = reply.blocks;
  expect([0, 1, 2].map((at) => blockTextAround(reply, block, TEXT, at))).toEqual([
    ['', 'Yes it is'],
    ['Yes', ' it is'],
    ['Yes it', ' is'],
  ]);
  expect(blockTextAround(reply, block, { asTokens: false, bare: true }, 1)).toEqual(['Yes', ' it is']);
});

it('keeps the tokens of a block that grows', () => {
  const reply = replyOf('one', ' two');
  const before = blockTokens(reply, reply.blocks[0], TOKENS);
  reply.append([token(0, { text: ' three' })]);
  const after = blockTokens(reply, reply.blocks[0], TOKENS, before);
  expect(after.map(({ text }) => text)).toEqual(['one', ' two', ' three']);
  expect(after.slice(0, 2).every((one, at) => one === before[at])).toBe(true);
  expect(after).toEqual(blockTokens(reply, reply.blocks[0], TOKENS));
});

it('shows a token that goes over a line end in both blocks, and counts it once', () => {
  const reply = replyOf(...new Array<string>(60).fill(' w'), ':\n    ', 'if');
  const [first, second] = shown(reply, TOKENS);
  expect(first.at(-1)).toMatchObject({ index: 60, text: ':\n', begins: true });
  expect(second[0]).toMatchObject({ index: 60, text: '    ', begins: false });
});

it('keeps the space apart with which a block goes on in a line, and tints it not', () => {
  const reply = replyOf(...new Array<string>(300).fill(' w'));
  const [first, second] = shown(reply, TOKENS);
  expect(first.every(({ lead }) => lead === '')).toBe(true);
  expect(second[0]).toMatchObject({ lead: ' ', text: 'w', begins: true, plain: true });
  expect(second[1]).toMatchObject({ lead: '', text: ' w' });
});

it('finds the word that a ring encloses', () => {
  expect(wordOf('  word\n')).toEqual(['  ', 'word', '\n']);
  expect(wordOf(' ')).toEqual(['', '', ' ']);
});
