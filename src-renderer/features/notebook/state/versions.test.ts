import { expect, it } from 'vitest';
import type { BranchPoint } from '../../../../src-main/protocol/app/chats/chat.ts';
import { Reply } from '../../chat/state/reply.svelte.ts';
import { end, REPLY_FACTS, start, token } from '../../chat/test-support/fakes.ts';
import { open, type } from '../test-support/open-notebook.ts';
import { forkAt, placeOf } from './versions.ts';

/** A script whose tokens are numbered from `first`. */
function script(first: number, count: number) {
  const events = Array.from({ length: count }, (_, at) => ({ type: 'token', token: token(first + at) }) as const);
  return [start(), ...events, end(count)];
}

it('shows the versions of a generation in its place, each as one step of undo', async () => {
  const { notebooks, session, api } = await open();
  const notebook = notebooks.create('ab End.');
  api.scripts.push(script(1, 2), script(5, 3), script(8, 1));
  await session.generate(2);
  await session.regenerate();
  await session.regenerate();
  expect(notebook.text.toString()).toBe('ab t8 End.');
  const fork = forkAt(session.tokens[0], notebook.replies);
  if (fork === null) throw new Error('There is no fork.');
  expect(fork.versions).toEqual(notebook.replies);
  expect(fork.versions.indexOf(fork.shown)).toBe(2);

  expect(session.showVersion(fork, fork.versions[1])).toBe('ab t5 t6 t7'.length);
  expect(notebook.text.toString()).toBe('ab t5 t6 t7 End.');
  // What a person typed within a version stays.
  type(notebook, 5, '(me)');
  const now = forkAt(session.tokens[0], notebook.replies);
  if (now === null) throw new Error('There is no fork.');
  expect(now.versions.indexOf(now.shown)).toBe(1);
  session.showVersion(now, now.versions[0]);
  expect(notebook.text.toString()).toBe('ab t1 t2(me) End.');
  await session.undo();
  await session.undo();
  await session.undo();
  expect(notebook.text.toString()).toBe('ab t8 End.');
});

it('pages through what follows a token, with the parts that were replaced later', async () => {
  const { notebooks, session, api } = await open();
  const notebook = notebooks.create('ab');
  // The first has t1 t2 t3 t4. Other tokens are chosen in the place of t4, then of t2.
  api.scripts.push(script(1, 4), script(40, 2), script(20, 2));
  await session.generate(2);
  await session.branch(session.tokens[3], 43);
  expect(notebook.text.toString()).toBe('ab t1 t2 t3 t40 t41');
  await session.branch(session.tokens[1], 23);
  // The version of t4 continued what is gone now.
  expect(notebook.text.toString()).toBe('ab t1 t20 t21');

  const [first, , third] = notebook.replies;
  expect(forkAt(session.tokens[0], notebook.replies)).toBeNull();
  const fork = forkAt(session.tokens[2], notebook.replies);
  expect(fork).toMatchObject({ place: { reply: first, index: 1 }, versions: [first, third], shown: third });
  if (fork === null) return;
  session.showVersion(fork, first);
  expect(notebook.text.toString()).toBe('ab t1 t2 t3 t4');
  const inner = forkAt(session.tokens[3], notebook.replies);
  expect(inner).toMatchObject({ place: { reply: first, index: 3 }, shown: first });
  if (inner === null) return;
  session.showVersion(inner, inner.versions[1]);
  expect(notebook.text.toString()).toBe('ab t1 t2 t3 t40 t41');
  const outer = forkAt(session.tokens[2], notebook.replies);
  if (outer === null) throw new Error('There is no fork.');
  session.showVersion(outer, third);
  expect(notebook.text.toString()).toBe('ab t1 t20 t21');
});

it('does not loop in a damaged file', () => {
  const reply = (id: string, branch: BranchPoint) =>
    new Reply({ id, parent: null, createdAt: '2026-01-01T00:00:00.000Z', facts: { ...REPLY_FACTS, branch } });
  const a = reply('a', { turn: 'b', index: 0 });
  const b = reply('b', { turn: 'a', index: 0 });
  const c = reply('c', { turn: 'gone', index: 4 });
  expect([a, b]).toContain(placeOf(a, [a, b, c]).reply);
  expect(placeOf(c, [a, b, c])).toEqual({ reply: c, index: 0 });
  expect(forkAt({ reply: c, index: 0 }, [a, b, c])).toBeNull();
});
