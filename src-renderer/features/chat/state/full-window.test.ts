import { beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { ModelInfo, PromptInput } from '../../../../src-main/engine/api/types.ts';
import { end, MODEL, start, tokens } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import { storedRun } from '../receipts/recorded-reply.ts';
import { FullWindow } from './full-window.svelte.ts';
import type { ModelList } from './other-model.svelte.ts';
import type { Reply } from './reply.svelte.ts';

const FULL = { reason: 'context_full', promptTokens: 4, contextSize: 1000 } as const;
const TOO_LONG = new EngineError('CONTEXT_FULL', 'The prompt has 1,200 tokens.', { promptTokens: 1200 });

let opened: Awaited<ReturnType<typeof openSession>>;
let full: FullWindow;
let asked: number[];

beforeEach(async () => {
  opened = await openSession();
  asked = [];
  full = new FullWindow({ ...opened, otherModel: { library: libraryWith(null) } });
});

function libraryWith(bigger: { tokens: number; extraBytes: number } | null, loaded?: ModelInfo): ModelList {
  return {
    listings: [],
    nameOf: () => '',
    load: () => Promise.resolve(),
    biggerWindow: (needed) => {
      asked.push(needed);
      return bigger;
    },
    loadWindow: async () => {
      opened.api.loadScripts = [[loaded ?? MODEL]];
      await opened.engine.load({ modelId: MODEL.id });
    },
  };
}

/** A window of 2,000 tokens can be loaded. @returns ends loading it, with this size */
function loadsLater(contextSize: number): () => void {
  const library = libraryWith({ tokens: 2000, extraBytes: 1 }, { ...MODEL, contextSize });
  const { loadWindow } = library;
  let load: () => void = () => undefined;
  library.loadWindow = async (tokens) => {
    await new Promise<void>((resolve) => (load = resolve));
    await loadWindow(tokens);
  };
  full = new FullWindow({ ...opened, otherModel: { library } });
  return () => load();
}

/** A reply that ended in a full window, or that could not begin. */
async function fullReply(before: readonly string[] = []): Promise<Reply> {
  const { session, api, chats } = opened;
  for (const text of before) await session.send(text);
  api.scripts = [[start(), ...tokens(2), end(2, FULL)]];
  await session.send('Tell me more');
  return chats.current.lastReply!;
}

async function withRoles(): Promise<void> {
  opened.api.loadScripts = [[{ ...MODEL, hasChatRoles: true }]];
  await opened.engine.load({ modelId: MODEL.id });
  opened.api.answers.renderChat = () => ({ text: '', ids: [1, 2], tokens: [], segments: [], notices: [] });
}

const file = (name: string) => ({ id: name, name, kind: 'text', bytes: 1, content: name, notes: [] }) as const;
const act = (reply: Reply, testId: string) => full.actionsFor(reply).find((action) => action.testId === testId)!;
const names = (reply: Reply) => full.actionsFor(reply).map(({ testId }) => testId);

describe('a reply that ended in a full window', () => {
  it('drops the oldest for one run, whatever the chat does otherwise', async () => {
    const reply = await fullReply();
    opened.api.scripts = [[start(), ...tokens(1), end(1)]];
    act(reply, 'full-drop').onclick();
    await vi.waitFor(() => expect(reply.stop?.reason).toBe('eos'));
    expect(opened.api.requests.at(-1)?.prompt).toMatchObject({ whenFull: 'shift' });
    expect(opened.session.whenFull).toBe('stop');
    await opened.session.send('Next');
    expect(opened.api.requests.at(-1)?.prompt).toMatchObject({ whenFull: 'stop' });
  });

  it('waits while the model is loaded or a reply is generated', async () => {
    await fullReply();
    expect(full.waits).toBe(false);
    opened.api.loadScripts = [['pause', MODEL]];
    const loading = opened.engine.load({ modelId: MODEL.id });
    expect(full.waits).toBe(true);
    await vi.waitFor(() => expect(opened.engine.progress).not.toBeNull());
    opened.api.resume();
    await loading;
    expect(full.waits).toBe(false);
  });

  it('loads a bigger window that has room for it, and continues', async () => {
    const bigger = { tokens: 2000, extraBytes: 94e6 };
    const library = libraryWith(bigger, { ...MODEL, contextSize: 2000 });
    full = new FullWindow({ ...opened, otherModel: { library } });
    const reply = await fullReply();
    const action = act(reply, 'full-bigger');
    expect(asked).toEqual([1001]);
    expect(action.label).toBe('Load with 2,000 tokens (+94.0\u00a0MB)');
    action.onclick();
    await vi.waitFor(() => expect(reply.stop?.reason).toBe('eos'));
    expect(reply.count).toBe(5);
    expect(full.problem).toBeNull();
  });

  it('says so if it could not be loaded, in that chat only', async () => {
    full = new FullWindow({ ...opened, otherModel: { library: libraryWith({ tokens: 2000, extraBytes: 1 }) } });
    const reply = await fullReply();
    act(reply, 'full-bigger').onclick();
    await vi.waitFor(() => expect(full.problem).toContain('could not be loaded'));
    expect(reply.stop?.reason).toBe('context_full');
    opened.chats.create();
    expect(full.problem).toBeNull();
  });

  it.each([
    ['continues', 2000],
    ['says why it does not', MODEL.contextSize],
  ])('%s in the chat that asked for it, whatever is opened meanwhile', async (_, contextSize) => {
    const load = loadsLater(contextSize);
    const { chats, session } = opened;
    const reply = await fullReply();
    const { id } = chats.current;
    act(reply, 'full-bigger').onclick();
    chats.create();
    await chats.flush();
    load();
    await vi.waitFor(() => expect(session.loadingToAnswer).toBeNull());
    await vi.waitFor(() => expect(session.busy).toBe(false));
    expect(full.problem).toBeNull();
    await chats.select(id);
    const isContinued = contextSize === 2000;
    expect(reply.stop?.reason).toBe(isContinued ? 'eos' : 'context_full');
    expect(full.problem).toEqual(isContinued ? null : (expect.stringContaining('could not be loaded') as string));
  });

  it('offers nothing bigger where there is none', async () => {
    expect(names(await fullReply())).toEqual(['full-drop', 'full-new']);
  });

  it('opens a new chat, which gets the draft', async () => {
    const reply = await fullReply();
    opened.session.draft = 'And then?';
    act(reply, 'full-new').onclick();
    expect(opened.chats.current.isEmpty).toBe(true);
    expect(opened.session.draft).toBe('And then?');
  });

  it('opens a new chat, which gets the files of the draft and of the message that was not answered', async () => {
    const { api, chats, session } = opened;
    await session.send('Once');
    api.scripts = [[TOO_LONG]];
    await session.send('Look', [file('sent.txt')]);
    const { id, lastReply } = chats.current;
    session.draft = 'And then?';
    await session.attachments.add([new File(['drafted'], 'drafted.txt')]);
    act(lastReply!, 'full-new').onclick();
    expect(session.draft).toBe('Look\nAnd then?');
    expect(session.attachments.files).toMatchObject([
      { name: 'sent.txt', content: 'sent.txt\n' },
      { name: 'drafted.txt', content: 'drafted' },
    ]);
    await chats.select(id);
    expect([session.draft, session.attachments.files]).toEqual(['', []]);
  });
});

describe('a new chat with a summary', () => {
  beforeEach(withRoles);

  it('has the summary after the instructions', async () => {
    opened.chats.current.systemPrompt = 'Be brief.';
    const reply = await fullReply(['Once']);
    opened.api.scripts = [[start(), ...tokens(2), end(2)]];
    act(reply, 'full-summary').onclick();
    expect(full.summarising).toBe(true);
    expect(full.waits).toBe(true);
    await vi.waitFor(() => expect(full.summarising).toBe(false));
    expect(opened.chats.current.isEmpty).toBe(true);
    expect(opened.chats.current.systemPrompt).toBe('Be brief.\n\nSummary of an earlier chat: t0 t1');
    const prompt = opened.api.requests.at(-1)?.prompt;
    expect(prompt).toMatchObject({ template: { kind: 'model' }, enableThinking: false });
  });

  it('is stored at once, and keeps its draft', async () => {
    const { chats, session } = opened;
    const reply = await fullReply(['Once']);
    const earlier = chats.current;
    session.draft = 'And then?';
    await session.attachments.add([new File(['drafted'], 'drafted.txt')]);
    opened.api.scripts = [[start(), ...tokens(2), end(2)]];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.summarising).toBe(false));
    const { id } = chats.current;
    const composer = () => [session.draft, session.attachments.files.map(({ name }) => name)];
    expect([chats.currentId, composer()]).toEqual([id, ['And then?', ['drafted.txt']]]);
    await chats.flush();
    expect(await opened.services.invoke('chatGet', id)).toMatchObject({
      ...{ head: null, title: 'Once (continued)', systemPrompt: 'Summary of an earlier chat: t0 t1' },
      turns: [{ role: 'user' }, { role: 'assistant', text: 't0 t1' }],
    });
    await chats.refresh();
    expect(chats.list.map((chat) => chat.id)).toEqual([id, earlier.id]);
    chats.create();
    expect([chats.currentId, composer()]).toEqual([null, ['', []]]);
    await chats.select(id);
    expect(composer()).toEqual(['And then?', ['drafted.txt']]);
    await session.send('And now?');
    expect([chats.current.title, chats.current.path.length]).toEqual(['And now?', 2]);
  });

  it('keeps the title that a person gives it before its first message', async () => {
    const { chats, session } = opened;
    const reply = await fullReply(['Once']);
    opened.api.scripts = [[start(), ...tokens(2), end(2)]];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.summarising).toBe(false));
    await chats.rename(chats.current.id, 'My story');
    await session.send('And now?');
    expect([chats.current.title, chats.current.path.length]).toEqual(['My story', 2]);
  });

  it('stays in the list while it cannot be saved', async () => {
    const { chats, services } = opened;
    const reply = await fullReply(['Once']);
    await chats.flush();
    opened.api.scripts = [[start(), ...tokens(2), end(2)]];
    services.fullDisk = new EngineError('STORAGE', 'The disk is full.');
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.summarising).toBe(false));
    await chats.flush();
    await chats.refresh();
    expect(chats.list[0]?.id).toBe(chats.current.id);
    expect(chats.unsaved).toMatchObject([{ id: chats.current.id }]);
  });

  it('is not another new chat that was started', async () => {
    const { chats } = opened;
    const started = chats.current;
    started.systemPrompt = 'Rhyme.';
    chats.createBlank();
    const reply = await fullReply(['Once']);
    opened.api.scripts = [[start(), ...tokens(2), end(2)]];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.summarising).toBe(false));
    expect(chats.current.systemPrompt).toBe('Summary of an earlier chat: t0 t1');
    expect(started.systemPrompt).toBe('Rhyme.');
  });

  it('has the run as a branch, with its receipt, and counts it in the totals', async () => {
    const { api, chats, session } = opened;
    api.files = [{ name: 'model.gguf', bytes: 9, sha256: 'a'.repeat(64) }];
    const reply = await fullReply(['Once']);
    const [before] = session.totals.models;
    api.scripts = [[start(), ...tokens(2), end(2)]];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.summarising).toBe(false));
    const { prompt, stop } = api.requests.at(-1)!;
    const { messages, date } = prompt as Extract<PromptInput, { kind: 'chat' }>;
    expect(session.totals.models[0]).toMatchObject({ replies: before.replies + 1, tokens: before.tokens + 2 });

    await session.send('And now?');
    const chat = chats.current;
    expect(api.requests.at(-1)?.prompt).toMatchObject({
      messages: [{ role: 'system', text: 'Summary of an earlier chat: t0 t1' }, { text: 'And now?' }],
    });
    const [first] = chat.path;
    expect(chat.versionsOf(first)).toHaveLength(2);
    chat.showVersion(first, 0);
    const kept = chat.lastReply!;
    await vi.waitFor(() => expect(kept.facts.run?.files).toEqual(api.files));
    expect(storedRun(chat, kept)).toMatchObject({
      requestedAt: date,
      request: { prompt: { messages, enableThinking: false }, stop: { maxTokens: stop.maxTokens } },
      reply: { text: 't0 t1' },
    });
  });

  it('leaves out a message that was not answered, and moves it to the new chat', async () => {
    await opened.session.send('Once');
    opened.api.scripts = [[TOO_LONG]];
    await opened.session.send('A long text');
    const reply = opened.chats.current.lastReply!;
    expect(reply.stop?.reason).toBe('error');
    opened.api.scripts = [[start(), ...tokens(2), end(2)]];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.summarising).toBe(false));
    expect(opened.session.draft).toBe('A long text');
    expect(JSON.stringify(opened.api.requests.at(-1)?.prompt)).not.toContain('A long text');
    expect(asked).toContain(1201);
  });

  it('keeps what was written in a new chat meanwhile', async () => {
    const { chats, session } = opened;
    const reply = await fullReply();
    opened.api.scripts = [[start(), 'pause', ...tokens(2), end(2)]];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.summarising).toBe(true));
    chats.create();
    chats.current.systemPrompt = 'Be kind.';
    session.draft = 'Half a';
    await vi.waitFor(() => expect(opened.api.requests).toHaveLength(2));
    opened.api.resume();
    await vi.waitFor(() => expect(full.summarising).toBe(false));
    expect(session.draft).toBe('Half a');
    expect(chats.current.systemPrompt).toBe('Be kind.\n\nSummary of an earlier chat: t0 t1');
  });

  it('is not offered where nothing was said before', async () => {
    opened.api.scripts = [[TOO_LONG]];
    await opened.session.send('A long text');
    expect(names(opened.chats.current.lastReply!)).toEqual(['full-drop']);
  });

  it('can be cancelled, and says why it failed', async () => {
    const reply = await fullReply();
    const chat = opened.chats.current;
    opened.api.scripts = [[start(), 'pause']];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(opened.api.requests).toHaveLength(2));
    full.cancelSummary();
    await vi.waitFor(() => expect(full.summarising).toBe(false));
    expect(full.problem).toBeNull();

    opened.api.scripts = [[new EngineError('OUT_OF_MEMORY', 'No memory is left.')]];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.problem).toBe('The summary failed. No memory is left.'));

    opened.api.scripts = [[start(), end(0)]];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.problem).toBe('The model wrote no summary.'));
    expect(opened.chats.current).toBe(chat);
  });

  it('is not opened if the summary was cut short by an error', async () => {
    const { api, chats, session } = opened;
    const reply = await fullReply(['Once']);
    const chat = chats.current;
    const [before] = session.totals.models;
    const { payload: error } = new EngineError('INTERNAL', 'A kernel failed.');
    api.scripts = [[start(), ...tokens(2), end(2, { reason: 'error', tokens: 2, error })]];
    act(reply, 'full-summary').onclick();
    await vi.waitFor(() => expect(full.problem).toBe('The summary failed. A kernel failed.'));
    expect(chats.current).toBe(chat);
    // Its tokens count.
    expect(session.totals.models[0].tokens).toBe(before.tokens + 2);
  });
});

describe('a draft that does not fit', () => {
  const size = { tokens: 1100, window: 1000 };
  const offered = () => full.actionsForDraft(size).map(({ testId }) => testId);

  it('can drop the oldest turns of a chat that has some', async () => {
    expect(offered()).toEqual([]);
    await opened.session.send('Once');
    expect(offered()).toEqual(['full-drop', 'full-new']);
    full.actionsForDraft(size)[0]?.onclick();
    expect(opened.session.whenFull).toBe('drop_oldest');
    // It is too long even without them, so a new chat would not help.
    expect(offered()).toEqual([]);
    expect(asked.every((needed) => needed === 1101)).toBe(true);
  });

  it('sends what was queued while a bigger window was loaded for it', async () => {
    const load = loadsLater(2000);
    const { chats, session } = opened;
    full
      .actionsForDraft(size)
      .find(({ testId }) => testId === 'full-bigger')!
      .onclick();
    await session.send('Meanwhile');
    expect(session.queued).toEqual(['Meanwhile']);
    load();
    await vi.waitFor(() => expect(chats.current.lastReply?.stop?.reason).toBe('eos'));
    expect(session.queued).toEqual([]);
  });

  it('moves to the new chat', async () => {
    await opened.session.send('Once');
    opened.session.draft = 'A long text';
    full.actionsForDraft(size).at(-1)?.onclick();
    expect(opened.chats.current.isEmpty).toBe(true);
    expect(opened.session.draft).toBe('A long text');
  });
});
