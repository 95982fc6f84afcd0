import { expect, test } from 'vitest';
import { TurnReader } from './turn-reader.ts';

/** A reader of these lines. */
function reading(lines: Iterable<string>): TurnReader {
  const from = lines[Symbol.iterator]();
  return new TurnReader({
    next: async () => from.next().value ?? null,
    close: () => undefined,
  });
}

test('a message of several lines ends at its fence, or with the input', async () => {
  const turns = reading(['"""one', 'two"""', '/system  Be brief. ', '//path', '"""', 'three']);
  expect(await turns.next()).toEqual({ kind: 'message', text: 'one\ntwo' });
  expect(await turns.next()).toEqual({ kind: 'command', name: 'system', argument: 'Be brief.' });
  expect(await turns.next()).toEqual({ kind: 'message', text: '/path' });
  expect(await turns.next()).toEqual({ kind: 'message', text: 'three' });
  expect(await turns.next()).toBeNull();
});

test('a message that never ends is refused before it fills the memory', async () => {
  const line = 'a'.repeat(1024 * 1024);
  let read = 0;
  const endless = (function* () {
    yield '"""';
    for (; read < 100; read++) yield line;
  })();
  await expect(reading(endless).next()).rejects.toThrow('the limit is 67,108,864 characters. End it with """.');
  expect(read).toBeLessThan(65);
});
