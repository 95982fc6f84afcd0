import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../src-main/engine/defaults.ts';
import type { ReplyPart } from '../../../src-main/engine/types.ts';
import { ChatDocument } from './chat-document.svelte.ts';
import { BLOCK_TOKENS, Reply } from './reply.svelte.ts';
import { token } from './test-support/fakes.ts';

function replyOf(...parts: [ReplyPart, string][]): Reply {
  const reply = new Reply({ createdAt: '2026-01-01T00:00:00.000Z', sampling: defaultSamplingParams() });
  reply.append(parts.map(([part, text], index) => token(index, { part, text })));
  return reply;
}

const THOUGHT = replyOf(
  ['reasoning_mark', '<think>'],
  ['reasoning', '\nWell.'],
  ['reasoning_mark', '</think>'],
  ['answer', '\n\n'],
  ['answer', 'Yes'],
);

describe('a reply with reasoning', () => {
  it('tells the answer from what was thought before it', () => {
    expect(THOUGHT.text).toBe('<think>\nWell.</think>\n\nYes');
    expect(THOUGHT.answer).toBe('Yes');
    expect(replyOf(['answer', ' Yes']).answer).toBe(' Yes');
    expect(replyOf(['reasoning', 'Hm']).answer).toBe('');
  });

  it('has its tokens in sections, whatever the frames they came in', () => {
    expect(THOUGHT.sections.map(({ kind, first }) => [kind, first])).toEqual([
      ['reasoning', 0],
      ['answer', 3],
    ]);
    const slowly = replyOf();
    for (const one of THOUGHT.tokens) slowly.append([one]);
    expect(slowly.blocks).toEqual(THOUGHT.blocks);
    slowly.append([token(0, { part: 'reasoning' }), token(0)]);
    expect(slowly.sections.map(({ kind }) => kind)).toEqual(['reasoning', 'answer', 'reasoning', 'answer']);
  });

  it('fills blocks of one kind', () => {
    const count = BLOCK_TOKENS + 3;
    const long = replyOf(...Array.from({ length: count }, (): [ReplyPart, string] => ['reasoning', 'a']), [
      'answer',
      'b',
    ]);
    expect(long.blocks.map((block) => block.length)).toEqual([BLOCK_TOKENS, 3, 1]);
    expect(long.blocks.flat().map(({ index }) => index)).toEqual([...Array(count + 1).keys()]);
    expect(long.sections).toHaveLength(2);
  });

  it('says how long it thought, without the time in which the prompt was read', () => {
    expect(THOUGHT.timeOf(0, 3)).toBe(4);
    expect(THOUGHT.timeOf(3, 2)).toBe(4);
  });

  it('gives the model only the answer of an earlier turn', () => {
    const chat = ChatDocument.create();
    chat.systemPrompt = 'Be brief.';
    chat.addUserTurn('Hm?');
    chat.addAnswer().addVersion(THOUGHT);
    expect(chat.messages().map(({ message }) => message)).toEqual([
      { role: 'system', text: 'Be brief.' },
      { role: 'user', text: 'Hm?' },
      { role: 'assistant', text: 'Yes' },
    ]);
    chat.systemPrompt = '  ';
    expect(chat.messages()).toHaveLength(2);
    expect(ChatDocument.from(chat.toStored()).lastReply?.sections).toHaveLength(2);
  });
});
