import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wordTokenizer } from '../test-support/scripted-model.ts';
import type { ChatMessage } from '../types.ts';
import { assembleChat, type AssembleOptions } from './assemble.ts';
import { runningText } from './running-text.ts';

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

  it('is just the beginning of a text when nothing was said', () => {
    expect(assemble(chat('  '))).toMatchObject({ text: '', ids: [0] });
  });

  it('leaves everything in when asked to stop at a full window', () => {
    expect(assemble(chat('a b c', 'a b c', 'a b c'), { contextSize: 5 }).ids).toHaveLength(10);
  });

  it('drops whole turns, the oldest first, and keeps room for the reply', () => {
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

  it('always fits, keeps the last turn, and drops no more than it must', () => {
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
