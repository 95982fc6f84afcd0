import { expect, it } from 'vitest';
import type { ReplyPhase } from '../state/reply.svelte.ts';
import { afterFirstToken } from './after-first-token.ts';

function controlled() {
  const state = { now: 0, reply: null as { id: string; phase: ReplyPhase } | null, done: 0 };
  const frames: (() => void)[] = [];
  const run = afterFirstToken(() => state.reply, {
    frame: (callback) => void frames.push(callback),
    now: () => state.now,
  });
  const frame = (ms = 16) => {
    state.now += ms;
    frames.splice(0).forEach((callback) => callback());
  };
  return { state, frame, ask: () => run(() => state.done++) };
}

it('runs in the next frame, unless a reply has no token yet', () => {
  const { state, frame, ask } = controlled();
  ask();
  frame();
  expect(state.done).toBe(1);
  state.reply = { id: 'a', phase: 'waiting' };
  ask();
  frame();
  state.reply.phase = 'reading';
  frame();
  expect(state.done).toBe(1);
  state.reply.phase = 'writing';
  frame();
  expect(state.done).toBe(2);
});

it('waits 100 ms at most, once for each reply', () => {
  const { state, frame, ask } = controlled();
  state.reply = { id: 'a', phase: 'reading' };
  ask();
  frame();
  frame(99);
  expect(state.done).toBe(0);
  frame(1);
  expect(state.done).toBe(1);
  ask();
  frame();
  expect(state.done).toBe(2);
  state.reply = { id: 'b', phase: 'waiting' };
  ask();
  frame();
  expect(state.done).toBe(2);
});
