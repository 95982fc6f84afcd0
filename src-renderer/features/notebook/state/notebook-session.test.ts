import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { end, MODEL, start, tokens } from '../../chat/test-support/fakes.ts';
import { PageLine } from '../../chat/test-support/store.ts';
import { idsOf, open, type } from '../test-support/open-notebook.ts';
import { tokensRead } from './notebook-prompt.ts';
import { NotebooksState } from './notebooks.svelte.ts';
import { forkAt } from './versions.ts';

let opened: Awaited<ReturnType<typeof open>>;
beforeEach(async () => {
  opened = await open();
});
const text = () => opened.notebooks.current!.text.toString();

it('opens a notebook once, however often it is selected, and saves what is typed', async () => {
  const { notebooks, services, folder } = opened;
  const { id } = notebooks.create('One');
  await notebooks.flush();
  notebooks.close();
  // Two clicks, of which the first is not answered yet.
  await Promise.all([notebooks.select(id), notebooks.select(id)]);
  type(notebooks.current!, 3, ' two');
  await notebooks.flush();
  const other = await open(folder);
  await other.notebooks.select(id);
  expect(other.notebooks.current!.text.toString()).toBe('One two');
  expect(services.calls.filter(({ method }) => method === 'chatGet')).toHaveLength(2);
});

it('has what another page wrote before it was put back', async () => {
  const { notebooks, services } = opened;
  const { id } = notebooks.create('Mine.');
  await notebooks.flush();
  const left = await notebooks.leave(id);
  expect(notebooks.current).toBeNull();
  const other = new NotebooksState(new PageLine(services.services));
  await other.select(id);
  type(other.current!, 0, 'Theirs. ');
  await other.flush();
  notebooks.putBack(left!);
  await notebooks.flush();
  expect(text()).toBe('Theirs. Mine.');
  expect(await notebooks.leave('another')).toBeNull();
});

it('brings back what was to be generated again, if it could not be', async () => {
  const { notebooks, session, api } = opened;
  notebooks.create('Once ');
  await session.generate(5);
  expect(text()).toBe('Once t0 t1 t2');
  api.scripts = [[new EngineError('GRAMMAR', 'The answer format is wrong.')]];
  await session.regenerate();
  expect(text()).toBe('Once t0 t1 t2');
  api.scripts = [[start(), 'pause']];
  const regenerating = session.regenerate();
  await vi.waitFor(() => expect(api.requests).toHaveLength(3));
  session.stop();
  await regenerating;
  expect(text()).toBe('Once t0 t1 t2');
  api.scripts = [[start(), ...tokens(1), end(1)]];
  await session.regenerate();
  expect(text()).toBe('Once t0');
});

it('undoes one step while a text is generated again, and leaves nothing to redo', async () => {
  const { notebooks, session, api } = opened;
  const notebook = notebooks.create('Once ');
  await session.generate(5);
  api.scripts = [[start(), 'pause']];
  const regenerating = session.regenerate();
  await vi.waitFor(() => expect(api.requests).toHaveLength(2));
  await session.undo();
  await regenerating;
  expect(text()).toBe('Once t0 t1 t2');
  expect([notebook.canUndo, notebook.canRedo]).toEqual([true, false]);
  await session.undo();
  expect(text()).toBe('Once ');
  await session.redo();
  expect(text()).toBe('Once t0 t1 t2');
});

it('does not count text as read that is being replaced', async () => {
  const { notebooks, session, api } = opened;
  notebooks.create('Once ');
  await session.generate(5);
  const counted = { ids: idsOf(text()) };
  expect(tokensRead(session.running, counted)).toBe(14);
  api.scripts = [[start(6), 'pause', ...tokens(1), end(1)]];
  const regenerating = session.regenerate();
  await vi.waitFor(() => expect(tokensRead(session.running, counted)).toBe(6));
  api.resume();
  await regenerating;
  expect(tokensRead(session.running, null)).toBe(0);
});

it('reads the text before its place, also if another page writes there before the engine is ready', async () => {
  const { notebooks, session, connection, api, prompts } = opened;
  const notebook = notebooks.create('One. Two.');
  connection.change(null, 'starting');
  const generating = session.generate(4);
  type(notebook, 0, 'Zero. ');
  connection.change(api, 'ready');
  await generating;
  expect(prompts()).toMatchObject([{ kind: 'text', text: 'Zero. One.' }]);
  expect(text()).toBe('Zero. One.t0 t1 t2 Two.');
});

it('asks for the next token as Generate does', async () => {
  const { notebooks, session, api, modelSettings } = opened;
  const notebook = notebooks.create('ab');
  await session.generate(2);
  modelSettings.setSampling({ temperature: 1.3 });
  const { prompt, continues, sampling, stop } = await session.nextDraw(notebook.length)(new AbortController().signal);
  expect(prompt).toMatchObject({ kind: 'ids', ids: [...idsOf('ab'), 3, 4, 5] });
  expect(continues).toEqual({ reason: 'eos' });
  await session.generate(notebook.length);
  expect(api.requests[1]).toMatchObject({ prompt, continues, sampling, stop });
  // Nothing is continued at the beginning.
  expect(await session.nextDraw(0)(new AbortController().signal)).not.toHaveProperty('continues');
});

it('replaces nothing that another window is generating', async () => {
  const { notebooks, session, folder, api } = opened;
  const { id } = notebooks.create('ab');
  await notebooks.flush();
  const other = await open(folder);
  await other.notebooks.select(id);
  const copy = other.notebooks.current!;
  const paused = [start(), ...tokens(1), 'pause' as const, end(1)];
  api.scripts = [paused, paused];
  const generating = session.generate(2);
  await expect.poll(text).toBe('abt0');
  await notebooks.flush();
  await expect.poll(() => other.session.tokens.length).toBe(1);
  const [first] = other.session.tokens;
  expect(other.session.branchBlocked(first)).toContain('is being generated in another window');
  await other.session.regenerate();
  await other.session.branch(first, 9);
  expect(other.api.requests).toEqual([]);
  expect(copy.text.toString()).toBe('abt0');
  api.resume();
  await generating;
  await notebooks.flush();
  await expect.poll(() => other.session.branchBlocked(first)).toBeNull();

  // Another version of it.
  const regenerating = session.regenerate();
  await expect.poll(() => notebooks.current!.lastReply!.count).toBe(1);
  await notebooks.flush();
  await expect.poll(() => other.session.tokens[0]?.reply.id).toBe(notebooks.current!.lastReply!.id);
  const fork = forkAt(other.session.tokens[0], copy.replies)!;
  expect(other.session.pagingBlocked(fork)).toContain('is being generated in another window');
  expect(other.session.showVersion(fork, fork.versions[0])).toBeNull();
  api.resume();
  await regenerating;
  await notebooks.flush();
  await expect.poll(() => other.session.pagingBlocked(fork)).toBeNull();
  await other.session.regenerate();
  expect(other.api.requests).toHaveLength(1);
});

it('generates with the settings of the model that it waited for', async () => {
  const { notebooks, session, engine, modelSettings, api } = opened;
  notebooks.create('One.');
  modelSettings.setSampling({ topK: 3 });
  modelSettings.setStop({ maxTokens: 7 });
  const other = { ...MODEL, id: 'opened-1', samplingDefaults: { temperature: 0.6 } };
  api.loadScripts = [['pause', other]];
  const loading = engine.load({ modelId: other.id });
  await vi.waitFor(() => expect(engine.progress).not.toBeNull());
  const generating = session.generate(4);
  api.resume();
  await Promise.all([loading, generating]);
  const sampling = { ...defaultSamplingParams(), temperature: 0.6 };
  expect(api.requests).toMatchObject([{ sampling, stop: defaultStopParams() }]);
  expect(notebooks.current?.lastReply).toMatchObject({ sampling, facts: { modelId: 'opened-1' } });
});

it('undoes in the open notebook, without stopping what is generated in another one', async () => {
  const { notebooks, session, api } = opened;
  const first = notebooks.create('Once ');
  api.scripts = [[start(), ...tokens(1), 'pause', end(1)]];
  const generating = session.generate(5);
  await vi.waitFor(() => expect(text()).toBe('Once t0'));
  notebooks.create('Second');
  await session.undo();
  expect(text()).toBe('');
  expect(session.busy).toBe(true);
  api.resume();
  await generating;
  expect(first.text.toString()).toBe('Once t0');
  expect(first.lastReply?.stop?.reason).toBe('eos');
});

it('has a title that follows the text after a restart, until a person renames it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { notebooks, folder } = opened;
  const { id } = notebooks.create('One');
  vi.advanceTimersByTime(1000);
  await notebooks.flush();
  const again = (await open(folder)).notebooks;
  await again.select(id);
  expect(again.current!.title).toBe('One');
  type(again.current!, 3, ' two');
  vi.advanceTimersByTime(1000);
  expect(again.current!.title).toBe('One two');
  again.current!.receive([{ type: 'facts', facts: { title: 'Mine' }, at: new Date().toISOString() }]);
  type(again.current!, 0, 'Zero. ');
  vi.advanceTimersByTime(1000);
  expect(again.current!.title).toBe('Mine');
});

it('has a title that follows the text in every window, whichever changed it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { notebooks, services } = opened;
  const notebook = notebooks.create('One');
  vi.advanceTimersByTime(1000);
  await notebooks.flush();
  const other = new NotebooksState(new PageLine(services.services));
  await other.select(notebook.id);
  type(notebook, 3, ' two');
  vi.advanceTimersByTime(1000);
  await notebooks.flush();
  other.catchUp();
  await other.flush();
  expect(other.current!.title).toBe('One two');
  type(other.current!, 7, ' three');
  vi.advanceTimersByTime(1000);
  expect(other.current!.title).toBe('One two three');
});
