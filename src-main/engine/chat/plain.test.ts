import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../api/types.ts';
import { plainFormat } from './plain.ts';

function render(...messages: [ChatMessage['role'], string][]) {
  return plainFormat(messages.map(([role, text], index) => ({ role, text, index })));
}

describe('the plain format', () => {
  it('names the roles, and ends where the reply begins', () => {
    const { text } = render(['system', ' Be brief. '], ['user', 'Hi\n'], ['assistant', 'Hello!'], ['user', 'Bye']);
    expect(text).toBe('Be brief.\n\nUser: Hi\nAssistant: Hello!\nUser: Bye\nAssistant:');
  });

  it('continues an unfinished reply unchanged', () => {
    expect(render(['user', 'Count'], ['assistant', 'One, two, ']).text).toBe('User: Count\nAssistant: One, two, ');
    expect(render(['user', 'Count'], ['assistant', '']).text).toBe('User: Count\nAssistant:');
  });

  it('distinguishes the messages from the text it adds', () => {
    const { text, written, owners } = render(['user', ' Hi'], ['assistant', 'Yes'], ['user', '']);
    expect(written.map(({ start, end }) => text.slice(start, end))).toEqual(['Hi', 'Yes']);
    expect(owners.map(({ start, end, message }) => [message, text.slice(start, end)])).toEqual([
      [0, 'User: Hi\n'],
      [1, 'Assistant: Yes\n'],
      [2, 'User:\n'],
    ]);
  });
});
