import { expect, it } from 'vitest';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { GenerateParams, WhenFull } from '../../../src-main/engine/api/types.ts';
import { end, start, token, tokens } from '../chat/test-support/fakes.ts';
import { marked, open, type } from './test-support/open-notebook.ts';

const CONTINUES: Partial<GenerateParams> = { continues: { reason: 'eos' } };

it('continues the text at the cursor, and keeps what follows it', async () => {
  const { notebooks, session, api } = await open();
  const notebook = notebooks.create('The cat. The end.');
  await session.generate(8);
  expect(notebook.text.toString()).toBe('The cat.t0 t1 t2 The end.');
  const prompt = { kind: 'text', text: 'The cat.', addBos: true, parseSpecial: false };
  expect(api.requests).toMatchObject([{ prompt, ...CONTINUES }]);
  expect(marked(session)).toEqual([
    [8, 10, 0],
    [10, 13, 1],
    [13, 16, 2],
  ]);
});

it('counts in the totals of the session', async () => {
  const { notebooks, session, totals } = await open();
  notebooks.create('ab');
  await session.generate(2);
  await session.regenerate();
  expect(totals.models).toMatchObject([{ replies: 2, tokens: 6 }]);
});

it('passes generated tokens on as the ids that they are, until they are edited', async () => {
  const { notebooks, session, prompts } = await open();
  const notebook = notebooks.create('ab');
  await session.generate(2);
  await session.generate(notebook.length);
  expect(prompts()[1]).toMatchObject({ kind: 'ids', ids: [0, 97, 98, 3, 4, 5] });
  // In the middle of the second reply.
  await session.generate(2 + 8 + 2);
  expect(prompts()[2]).toMatchObject({ kind: 'ids', ids: [0, 97, 98, 3, 4, 5, 3] });
  type(notebook, 3, 'x');
  expect(marked(session)[0]).toEqual([5, 8, 1]);
  await session.generate(2 + 1 + 8);
  expect(prompts()[3]).toMatchObject({
    kind: 'ids',
    ids: [0, ...Array.from('abtx0', (one) => one.charCodeAt(0)), 4, 5],
  });
  type(notebook, 2 + 1 + 8, '!');
  await session.generate(2 + 1 + 8 + 1);
  expect(prompts()[4]).toMatchObject({ kind: 'text', text: 'abtx0 t1 t2!' });
});

it('passes on all ids of a character that begins a generation, and does not branch within it', async () => {
  const { notebooks, session, api, prompts } = await open();
  const notebook = notebooks.create('ab');
  const smile = ['', '', '🙂'].map((text, at) => ({ type: 'token', token: token(5 + at, { text }) }) as const);
  api.scripts.push([start(), ...tokens(1), end(1)], [start(), ...smile, end(3)]);
  await session.generate(2);
  await session.generate(notebook.length);
  await session.generate(notebook.length);
  const text = 'abt0🙂t0 t1 t2';
  expect(notebook.text.toString()).toBe(text);
  expect(prompts()[2]).toMatchObject({ kind: 'ids', ids: [0, 97, 98, 3, 8, 9, 10] });

  const [first, character] = session.tokens;
  expect(session.branchBlocked(first)).toBeNull();
  expect(session.branchBlocked(character)).toContain('The tokens before this one have no text');
  await session.branch(character, 42);
  expect(prompts()).toHaveLength(3);
  expect(notebook.text.toString()).toBe(text);
});

it('undoes a generation in one step, and keeps what was typed before and after it', async () => {
  const { notebooks, session } = await open();
  const notebook = notebooks.create('ab');
  notebook.undoManager.stopCapturing();
  await session.generate(2);
  type(notebook, notebook.length, '!');
  expect(notebook.text.toString()).toBe('abt0 t1 t2!');
  await session.undo();
  expect(notebook.text.toString()).toBe('abt0 t1 t2');
  await session.undo();
  expect(notebook.text.toString()).toBe('ab');
  await session.redo();
  expect(notebook.text.toString()).toBe('abt0 t1 t2');
  expect(marked(session)).toHaveLength(3);
  await session.redo();
  expect(notebook.text.toString()).toBe('abt0 t1 t2!');
});

it('generates the newest reply again in one step, without what was typed in it', async () => {
  const { notebooks, session, api, prompts } = await open();
  const notebook = notebooks.create('ab. End.');
  await session.generate(3);
  type(notebook, 5, '(me)');
  api.scripts.push([start(), ...tokens(1), end(1)]);
  await session.regenerate();
  expect(prompts()[1]).toMatchObject({ kind: 'text', text: 'ab.' });
  expect(notebook.text.toString()).toBe('ab.t0(me) End.');
  await session.undo();
  expect(notebook.text.toString()).toBe('ab.t0(me) t1 t2 End.');
});

it('branches with another token, which replaces the rest of its reply', async () => {
  const { notebooks, session, api } = await open();
  const notebook = notebooks.create('ab End.');
  await session.generate(2);
  api.scripts.push([start(), { type: 'token', token: token(7) }, { type: 'token', token: token(8) }, end(2)]);
  await session.branch(session.tokens[1], 10);
  expect(api.requests[1]).toMatchObject({ prompt: { kind: 'ids', ids: [0, 97, 98, 3] }, firstToken: 10 });
  expect(notebook.text.toString()).toBe('abt0 t7 t8 End.');
  await session.undo();
  expect(notebook.text.toString()).toBe('abt0 t1 t2 End.');
});

it('accepts generated text, and keeps its tokens', async () => {
  const { notebooks, session } = await open();
  notebooks.create('ab');
  await session.generate(2);
  session.accept();
  expect(session.tokens.map(({ kept }) => kept)).toEqual([true, true, true]);
  await session.undo();
  expect(session.tokens.map(({ kept }) => kept)).toEqual([false, false, false]);
});

it.each<[WhenFull, string]>([
  ['shift', ''],
  [
    'stop',
    'The text before the cursor has 1,201 tokens, but the context window of TinyTransformer holds 1,000. Shorten it by at least 202, or choose “Leave out the beginning” in the Context panel.',
  ],
])('with a text longer than the window and `%s`, leaves out its beginning or says so', async (whenFull, message) => {
  const { notebooks, session, settings, prompts } = await open();
  settings.update({ whenFull });
  const notebook = notebooks.create('x'.repeat(1200));
  await session.generate(1200);
  if (message === '') {
    // BOS, and the rest of the window but for the room of a reply: 1000 - min(maxTokens, 1000 / 8).
    expect(prompts()).toMatchObject([{ kind: 'ids', whenFull: 'shift' }]);
    const [prompt] = prompts();
    const length = prompt?.kind === 'ids' ? prompt.ids.length : 0;
    expect(length + session.leftOut).toBe(1201);
    expect(length).toBeLessThanOrEqual(1000 - 96);
    expect(length).toBeGreaterThanOrEqual(1000 - 125);
  } else {
    expect(prompts()).toEqual([]);
    expect(notebook.lastReply?.stop).toMatchObject({ reason: 'error', error: { code: 'CONTEXT_FULL' } });
    const { stop } = notebook.lastReply ?? {};
    expect(JSON.stringify(stop)).toContain(message);
  }
});

it('keeps the text of a reply that was stopped or failed', async () => {
  const { notebooks, session, api } = await open();
  const notebook = notebooks.create('ab');
  api.scripts.push([start(), ...tokens(2), 'pause']);
  const generated = session.generate(2);
  await expect.poll(() => notebook.text.toString()).toBe('abt0 t1');
  expect(session.busy).toBe(true);
  await session.undo();
  await generated;
  expect(notebook.text.toString()).toBe('ab');
  api.scripts.push([start(), ...tokens(1), new EngineError('BACKEND_LOST', 'Gone.')]);
  await session.generate(2);
  expect(notebook.text.toString()).toBe('abt0');
  expect(notebook.lastReply?.stop).toMatchObject({ reason: 'error' });
});

it('is saved with its tokens and their candidates, and opened again by another page', async () => {
  const { folder, notebooks, session, services } = await open();
  const notebook = notebooks.create('ab');
  await session.generate(2);
  session.accept();
  await notebooks.flush();
  expect(await services.invoke('chatsList')).toMatchObject([{ id: notebook.id, notebook: true }]);
  const other = await open(folder);
  await other.notebooks.select(notebook.id);
  expect(other.notebooks.current?.text.toString()).toBe('abt0 t1 t2');
  expect(other.session.tokens.map(({ index, kept }) => [index, kept])).toEqual([
    [0, true],
    [1, true],
    [2, true],
  ]);
  const [first] = other.session.tokens;
  await expect.poll(() => first?.reply.detailsOf(0)).toMatchObject({ piece: 't0', survivors: 4 });
});

it('two pages write in one notebook, and both see everything', async () => {
  const { folder, notebooks, session } = await open();
  const notebook = notebooks.create('One. ');
  await notebooks.flush();
  const other = await open(folder);
  await other.notebooks.select(notebook.id);
  const copy = other.notebooks.current;
  if (copy === null) throw new Error('It was not opened.');
  type(notebook, 5, 'Two. ');
  type(copy, 0, 'Zero. ');
  await Promise.all([notebooks.flush(), other.notebooks.flush()]);
  await session.generate(notebook.text.toString().indexOf('Two'));
  await notebooks.flush();
  const text = 'Zero. One. t0 t1 t2Two. ';
  await expect.poll(() => [notebook.text.toString(), copy.text.toString()]).toEqual([text, text]);
  await expect.poll(() => other.session.tokens.length).toBe(3);
});
