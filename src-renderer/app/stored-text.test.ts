import { expect, it } from 'vitest';
import { storedText } from './stored-text.ts';

it.each([
  [0, 0, 'Stored on this computer'],
  [1, 0, '1 chat on this computer'],
  [0, 2, '2 notebooks on this computer'],
  [3, 1, '3 chats, 1 notebook'],
])('%i chats and %i notebooks', (chats, notebooks, text) => {
  const all = [
    ...Array.from({ length: chats }, () => ({})),
    ...Array.from({ length: notebooks }, () => ({ notebook: true as const })),
  ];
  expect(storedText(all)).toBe(text);
});
