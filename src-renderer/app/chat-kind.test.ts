import { expect, it } from 'vitest';
import { countText } from './chat-kind.ts';

it('counts chats and notebooks by what they are', () => {
  const chat = {};
  const notebook = { notebook: true } as const;
  expect([[], [chat], [chat, chat]].map(countText)).toEqual(['0 chats', '1 chat', '2 chats']);
  expect([[notebook], [notebook, notebook]].map(countText)).toEqual(['1 notebook', '2 notebooks']);
  expect(countText([chat, notebook, chat])).toBe('3 chats and notebooks');
});
