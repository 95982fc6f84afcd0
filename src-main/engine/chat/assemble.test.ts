import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wordTokenizer } from '../test-support/scripted-model.ts';
import type { ChatMessage } from '../api/types.ts';
import { assembleChat, type AssembleOptions } from './assemble.ts';
import { runningText } from './plain.ts';
import { templateFormat } from './template-format.ts';

const tokenizer = wordTokenizer(['<BOS>', '<EOS>', '<UNK>', 'a', 'b', 'c', 'd']);

function chat(...texts: string[]): ChatMessage[] {
  return texts.map((text, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', text }));
}

function assemble(messages: ChatMessage[], options: Partial<AssembleOptions> = {}) {
  const defaults: AssembleOptions = { contextSize: 20, whenFull: 'stop', replyReserve: 2 };
  return assembleChat(messages, tokenizer, runningText, { ...defaults, ...options });
}

describe('assembleChat with a running text', () => {
  it('joins trimmed messages with one space and counts the tokens of each', () => {
    const { text, ids, segments } = assemble(chat(' a b\n', '', 'c', '  d '));
    expect(text).toBe('a b c d');
    expect(ids).toEqual([0, 3, 4, 5, 6]);
    expect(segments).toEqual([
      { role: 'user', message: 0, tokens: 2, dropped: false },
      { role: 'assistant', message: 1, tokens: 0, dropped: false },
      { role: 'user', message: 2, tokens: 1, dropped: false },
      { role: 'assistant', message: 3, tokens: 1, dropped: false },
    ]);
  });

  it('is just the start of a text without messages', () => {
    expect(assemble(chat('  '))).toMatchObject({ text: '', ids: [0] });
  });

  it('keeps everything when set to stop at a full window', () => {
    expect(assemble(chat('a b c', 'a b c', 'a b c'), { contextSize: 5 }).ids).toHaveLength(10);
  });

  it('drops whole turns, the oldest first, and leaves tokens for the reply', () => {
    const messages = chat('a a a', 'b', 'c c', 'd', 'a b');
    const { text, segments } = assemble(messages, { contextSize: 10, whenFull: 'drop_oldest' });
    expect(text).toBe('c c d a b');
    expect(segments.map(({ tokens, dropped }) => [tokens, dropped])).toEqual([
      [3, true],
      [1, true],
      [2, false],
      [1, false],
      [2, false],
    ]);
  });

  it('never drops the last turn, nor system messages', () => {
    const messages: ChatMessage[] = [{ role: 'system', text: 'd' }, ...chat('a', 'b', 'c c c c', 'a a a')];
    const { text } = assemble(messages, { contextSize: 4, whenFull: 'drop_oldest' });
    expect(text).toBe('d c c c c a a a');
  });

  it('always fits, keeps the last turn, and drops no more than necessary', () => {
    const words = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 6 }).map((list) => list.join(' '));
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 12 }), fc.integer({ min: 14, max: 40 }), (texts, size) => {
        const messages = chat(...texts);
        const { ids, segments } = assemble(messages, { contextSize: size, whenFull: 'drop_oldest', replyReserve: 1 });
        expect(ids.length + 1).toBeLessThanOrEqual(size);
        const dropped = segments.findLastIndex((segment) => segment.dropped) + 1;
        expect(segments.slice(0, dropped).every((segment) => segment.dropped)).toBe(true);
        const lastUser = messages.findLastIndex(({ role }) => role === 'user');
        expect(dropped).toBeLessThanOrEqual(lastUser);
        if (dropped > 0) {
          const lastTurn = segments.slice(dropped - 2, dropped).reduce((sum, { tokens }) => sum + tokens, 0);
          expect(ids.length + lastTurn + 1).toBeGreaterThan(size);
        }
      }),
    );
  });
});

describe('assembleChat with a template', () => {
  const source =
    "{% for m in messages %}{{ '[' ~ m.role ~ '] ' ~ m.content }} [end] {% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}";
  const format = templateFormat({ source, name: 'It', tokens: { bos: '', eos: '' }, now: new Date(0) });
  const turns: ChatMessage[] = [
    { role: 'system', text: 'd' },
    ...chat('a a a a', 'b b', 'c', 'd'),
    { role: 'user', text: 'a b' },
  ];

  it('assigns text around a message to the message, and the reply’s start to none', () => {
    const { text, ids, segments } = assembleChat(turns, tokenizer, format, {
      ...{ contextSize: 100, whenFull: 'drop_oldest', replyReserve: 2 },
    });
    expect(text.endsWith('[user] a b [end] [assistant] ')).toBe(true);
    expect(segments.map(({ tokens }) => tokens)).toEqual([3, 6, 4, 3, 3, 4]);
    // BOS and [assistant] belong to no message.
    expect(ids).toHaveLength(2 + 23);
  });

  it('drops whole turns, the oldest first, and renders the rest', () => {
    const drop = (contextSize: number) =>
      assembleChat(turns, tokenizer, format, { contextSize, whenFull: 'drop_oldest', replyReserve: 2 });
    expect(drop(24).text).toBe('[system] d [end] [user] c [end] [assistant] d [end] [user] a b [end] [assistant] ');
    expect(drop(10).text).toBe('[system] d [end] [user] a b [end] [assistant] ');
    expect(drop(24).segments.map(({ dropped }) => dropped)).toEqual([false, true, true, false, false, false]);
  });

  it('continues the last message if it is the assistant’s', () => {
    const { text, turnBeginning } = assembleChat(turns.slice(0, -1), tokenizer, format, {
      ...{ contextSize: 100, whenFull: 'stop', replyReserve: 2 },
    });
    expect(text.endsWith('[user] c [end] [assistant] d')).toBe(true);
    expect(turnBeginning.endsWith('[assistant] d')).toBe(true);
  });
});
