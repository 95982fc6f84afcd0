import { expect, it } from 'vitest';
import type { Answers } from './answers.svelte.ts';
import type { InsideState } from './inside.svelte.ts';
import { insideStatus } from './inside-status.ts';

it('shows how much of the context window the run takes, or what the chat does', () => {
  const chat = { context: { system: 1, history: 2, reply: 3, size: 1000 }, rate: null };
  const inside = {
    answers: { ids: [5, 6, 7] } as unknown as Answers,
    model: { contextSize: 256 } as InsideState['model'],
    source: { kind: 'text', text: 'abc' } as const,
  };
  expect(insideStatus(inside, chat).context).toEqual({ system: 0, history: 3, reply: 0, size: 256, of: 'this text' });
  expect(insideStatus({ ...inside, answers: null }, chat)).toEqual(chat);
});
