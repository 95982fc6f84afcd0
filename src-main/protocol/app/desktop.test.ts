import { expect, test } from 'vitest';
import { chatHash, chatOfHash, readDesktopMessage } from './desktop.ts';

test('only complete messages with values in range are accepted from a page', () => {
  const good = [
    { type: 'progress', fraction: null },
    { type: 'progress', fraction: 0.5 },
    { type: 'reply-ended', title: 'A chat', ms: 12_000 },
    { type: 'menu', x: 6, y: 40 },
  ];
  for (const message of good) expect(readDesktopMessage(message)).toEqual(message);
  const bad = [
    null,
    'menu',
    { type: 'other' },
    { type: 'progress', fraction: 2 },
    { type: 'progress', fraction: Number.NaN },
    { type: 'reply-ended', title: 'x'.repeat(501), ms: 1 },
    { type: 'menu', x: Infinity, y: 0 },
    { type: 'menu', x: 1, y: 1, more: true },
  ];
  for (const message of bad) expect(readDesktopMessage(message)).toBeNull();
});

test('the address of a page names its chat', () => {
  for (const id of [null, '0b7c5ad4-0000-4000-8000-000000000000']) expect(chatOfHash(chatHash(id))).toEqual({ id });
  for (const hash of ['', '#', '#key=secret', '#chat=a/b', '#chat']) expect(chatOfHash(hash)).toBeNull();
});
