import { expect, it } from 'vitest';
import { NO_TOKEN, type TokenColumns } from '../../../../src-main/protocol/app/chats/chat.ts';
import { REPLY_FACTS } from '../test-support/fakes.ts';
import { Reply } from './reply.svelte.ts';
import { editableFrom, editedReply, typedTokens } from './typed-tokens.ts';

/** @param pieces text and part of each token */
function replyOf(...pieces: [text: string, part: number][]): Reply {
  const tokens: TokenColumns = {
    ids: pieces.map((_, at) => at + 10),
    lengths: pieces.map(([text]) => text.length),
    parts: pieces.map(([, part]) => part),
    logprobs: pieces.map(() => -1),
    latencies: pieces.map(() => 2),
  };
  const text = pieces.map(([one]) => one).join('');
  return new Reply({ id: 'r', parent: 'u', createdAt: '2026-01-01T00:00:00.000Z', facts: REPLY_FACTS, text, tokens });
}

const lengthsOf = (text: string) => typedTokens(text).lengths;

it('cuts typed text at line ends and between words', () => {
  expect(lengthsOf('one\ntwo')).toEqual([4, 3]);
  expect(typedTokens('one')).toEqual({ ids: [NO_TOKEN], lengths: [3], parts: [0], logprobs: [0], latencies: [0] });
  expect(lengthsOf('')).toEqual([]);
  const words = 'word '.repeat(200);
  expect(lengthsOf(words).every((length) => length <= 256)).toBe(true);
  expect(lengthsOf(words).reduce((sum, length) => sum + length, 0)).toBe(words.length);
});

it('cuts a line of megabytes in a moment', () => {
  const before = process.cpuUsage().user;
  expect(lengthsOf('x'.repeat(8_000_000))).toHaveLength(31_250);
  expect((process.cpuUsage().user - before) / 1000).toBeLessThan(2000);
});

it('does not cut a character', () => {
  const text = 'a' + '🙂'.repeat(200);
  let from = 0;
  for (const length of lengthsOf(text)) {
    expect(text.slice(from, from + length)).not.toMatch(/^[\udc00-\udfff]|[\ud800-\udbff]$/u);
    from += length;
  }
  expect(from).toBe(text.length);
});

it('keeps the tokens before the first difference', () => {
  const reply = replyOf(['One', 0], [' two', 0], [' three', 0]);
  const edited = editedReply(reply, 'One two 3 and more');
  expect(edited.text).toBe('One two 3 and more');
  expect(edited.index).toBe(2);
  expect(edited.tokens.ids).toEqual([10, 11, NO_TOKEN]);
  expect(edited.tokens.lengths).toEqual([3, 4, 11]);
});

it('keeps the reasoning, which is not edited', () => {
  const reply = replyOf(['<think>', 2], ['Hm', 1], ['</think>', 2], ['Yes', 0]);
  expect(editableFrom(reply)).toBe(17);
  const edited = editedReply(reply, 'No');
  expect(edited.text).toBe('<think>Hm</think>No');
  expect(edited.tokens).toMatchObject({ ids: [10, 11, 12, NO_TOKEN], parts: [2, 1, 2, 0] });
});

it('replaces a character whose bytes are several tokens as a whole', () => {
  const reply = replyOf(['Hi ', 0], ['', 0], ['é', 0]);
  expect(editedReply(reply, 'Hi you').tokens.ids).toEqual([10, NO_TOKEN]);
});
