import { beforeEach, describe, expect, it } from 'vitest';
import type { FileHash } from '../../../../src-main/engine/api/types.ts';
import { checkReceipt } from '../../../../src-main/protocol/engine/receipt/check-receipt.ts';
import type { ChatDocument } from '../state/chat-document.svelte.ts';
import type { Reply } from '../state/reply.svelte.ts';
import { ChatsState } from '../state/chats.svelte.ts';
import { end, MODEL, start, token, tokens } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import { storedRun } from './recorded-reply.ts';
import { ReceiptsState } from './receipts.svelte.ts';
import { differingTexts, taskText, withShortHashes } from './task-text.ts';
import { engineVersions } from './run-facts.ts';

const FILES: FileHash[] = [{ name: 'model.gguf', bytes: 9, sha256: 'a'.repeat(64) }];
const VERSIONS = { Tokenscope: '1.0.0' };

let opened: Awaited<ReturnType<typeof openSession>>;
let receipts: ReceiptsState;
beforeEach(async () => {
  opened = await openSession();
  opened.api.files = FILES;
  const { connection, engine, session } = opened;
  receipts = new ReceiptsState({ connection, engine, session, versions: () => Promise.resolve(VERSIONS) });
});

/** The chat as the app reads it after a restart. */
async function readAgain(): Promise<ChatDocument> {
  const { chats, services } = opened;
  await expect.poll(() => chats.current.lastReply?.facts.run?.files ?? null).not.toBeNull();
  await chats.flush();
  const fresh = new ChatsState(services);
  await fresh.select(chats.current.id);
  return fresh.current;
}

const inChat = (chat: ChatDocument) => (reply: Reply) => storedRun(chat, reply);

/** Title and detail of the result. */
async function runAgain(chat: ChatDocument): Promise<string> {
  await receipts.runAgain(inChat(chat), chat.lastReply!);
  const { title, detail } = taskText(receipts.task!);
  return `${title}: ${detail}`;
}

describe('Verify reply', () => {
  it('uses the recorded settings, not the current ones', async () => {
    const { api, chats, modelSettings, session } = opened;
    chats.current.systemPrompt = 'Be brief.';
    modelSettings.setSampling({ temperature: 1.3 });
    modelSettings.setStop({ maxTokens: 3 });
    await session.send('Once');
    const [asked] = api.requests;
    const chat = await readAgain();
    modelSettings.setSampling({ temperature: 0.1 });
    chat.systemPrompt = 'Be verbose.';
    expect(await runAgain(chat)).toBe('Identical: All 3 tokens match.');
    const [, again] = api.requests;
    expect(again).toMatchObject({
      sampling: { ...asked.sampling, temperature: 1.3, seed: 7 },
      stop: { maxTokens: 3, repetitionWindow: MODEL.defaultRepetitionWindow },
      topCandidates: 0,
    });
    const { requestedAt } = chat.lastReply!.facts.run!;
    expect(asked.prompt).toMatchObject({ date: requestedAt });
    expect(again.prompt).toEqual(asked.prompt);
    expect(receipts.task?.state).toMatchObject({ differences: [{ what: 'versions', recorded: 'none' }] });
  });

  it('shows both texts from the first token that differs', async () => {
    const { api, session } = opened;
    await session.send('Once');
    const chat = await readAgain();
    api.scripts = [[start(), ...tokens(2), { type: 'token', token: token(9, { text: ' other' }) }, end(3)]];
    expect(await runAgain(chat)).toBe('Differs from token 3: The first 2 tokens match.');
    expect(differingTexts(receipts.task!)).toEqual([
      { label: 'Recorded', testId: 'recorded-text', shared: 't0 t1 ', first: 't2', rest: '' },
      { label: 'Repeated', testId: 'repeated-text', shared: 't0 t1 ', first: 'other', rest: '' },
    ]);
  });

  it('repeats what Continue added', async () => {
    const { api, chats, session } = opened;
    const stop = { reason: 'max_tokens', maxTokens: 2 } as const;
    api.scripts = [[start(), ...tokens(2), end(2, stop)]];
    await session.send('Once');
    await session.continueReply();
    const { run } = chats.current.lastReply!.facts;
    expect(run).toMatchObject({ continues: { reason: 'max_tokens' } });
    const chat = await readAgain();
    expect(await runAgain(chat)).toMatch(/^Identical: /);
    expect(api.requests.at(-1)).toMatchObject({
      prompt: { messages: [{ text: 'Once' }, { role: 'assistant', text: 't0 t1' }] },
      continues: { reason: 'max_tokens' },
    });
  });

  it('repeats what follows a token that a person chose', async () => {
    const { api, chats, session } = opened;
    await session.send('Once');
    const script = [start(), { type: 'token', token: token(90, { text: ' new' }) } as const, ...tokens(2), end(3)];
    api.scripts = [script, script];
    await session.branch(chats.current.lastReply!, 2, 93);
    const { run } = chats.current.lastReply!.facts;
    expect(run).toMatchObject({ chosen: { id: 93, idsBefore: 2 }, continues: null });
    const asked = api.requests.at(-1)!;
    const chat = await readAgain();
    expect(await runAgain(chat)).toBe('Identical: All 3 tokens match.');
    const again = api.requests.at(-1)!;
    expect(again).not.toBe(asked);
    expect(again).toMatchObject({
      prompt: { messages: [{ text: 'Once' }], replyIds: [3, 4], date: run!.requestedAt },
      firstToken: 93,
      sampling: { seed: 7 },
    });
    expect(asked.prompt).toMatchObject({ replyIds: [3, 4], date: run!.requestedAt });
    // Continue is another run, which has the chosen token in its prompt.
    await session.continueReply();
    expect(chats.current.lastReply!.facts.run).not.toHaveProperty('chosen');
  });

  it('says why a reply cannot be repeated', async () => {
    const { api, session, chats } = opened;
    await session.send('Once');
    const chat = await readAgain();
    const reply = chat.lastReply!;

    api.files = [{ ...FILES[0], sha256: 'b'.repeat(64) }];
    expect(await runAgain(chat)).toBe(
      'The reply cannot be repeated: The loaded TinyTransformer is not the file that generated this reply. Load that file and try again.',
    );
    expect(receipts.task?.state).toMatchObject({ differences: [{ what: 'model file' }, { what: 'versions' }] });
    api.files = FILES;

    api.scripts = [[start(5), ...tokens(3), end(3)]];
    expect(await runAgain(chat)).toContain('The same messages now give a different prompt.');

    const { run } = reply.facts;
    reply.note({ run: null });
    expect(await runAgain(chat)).toContain('failed before its first token');
    const { run: _, ...earlier } = reply.facts;
    reply.facts = earlier;
    expect(await runAgain(chat)).toContain('This reply is from an earlier version of Tokenscope');
    reply.note({ run: { ...run!, files: null }, modelId: 'other', model: 'Other' });
    expect(await runAgain(chat)).toContain('TinyTransformer is loaded now. Load Other and try again.');
    expect(chats.current.lastReply?.facts.run).not.toBeNull();
  });

  it('repeats an empty reply', async () => {
    const { api, session } = opened;
    api.scripts = [[start(), end(0)]];
    await session.send('Once');
    const chat = await readAgain();
    api.scripts = [[start(), end(0)]];
    expect(await runAgain(chat)).toBe('Identical: Both replies are empty.');
  });

  it('stops when the dialog is closed', async () => {
    const { api, session } = opened;
    await session.send('Once');
    const chat = await readAgain();
    api.scripts = [[start(), ...tokens(1), 'pause']];
    const running = receipts.runAgain(inChat(chat), chat.lastReply!);
    await expect.poll(() => receipts.task?.state).toEqual({ phase: 'running', tokens: 1, of: 3 });
    receipts.close();
    await running;
    expect(receipts.task).toBeNull();
  });
});

describe('Save receipt', () => {
  async function problemOf(chat: ChatDocument, reply: Reply): Promise<string> {
    expect(await receipts.save(inChat(chat), reply)).toBe(false);
    const { title, detail } = taskText(receipts.task!);
    expect(title).toBe('The receipt was not saved');
    return detail;
  }

  it('saves an intact receipt with the ids of the prompt', async () => {
    const { connection, session } = opened;
    await session.send('Once');
    const chat = await readAgain();
    expect(await receipts.save(inChat(chat), chat.lastReply!)).toBe(true);
    const [{ name, text }] = connection.saved;
    expect(name).toMatch(/^TinyTransformer [\dTZ.-]+\.receipt\.json$/);
    const checked = checkReceipt(JSON.parse(text));
    expect(checked).toMatchObject({
      state: 'intact',
      receipt: {
        model: { id: MODEL.id, architecture: MODEL.architecture, files: FILES },
        promptIds: [0, 1, 2, 3],
        reply: { ids: [3, 4, 5], text: 't0 t1 t2', stop: { reason: 'eos' } },
      },
    });
  });

  it('saves which token a person chose', async () => {
    const { connection, chats, session } = opened;
    await session.send('Once');
    await session.branch(chats.current.lastReply!, 2, 93);
    const chat = await readAgain();
    expect(await receipts.save(inChat(chat), chat.lastReply!)).toBe(true);
    expect(checkReceipt(JSON.parse(connection.saved[0].text))).toMatchObject({
      state: 'intact',
      receipt: { request: { prompt: { replyIds: [3, 4] }, firstToken: 93 } },
    });
  });

  it('says why a receipt cannot be saved', async () => {
    const { api, connection, session } = opened;
    await session.send('Once');
    const chat = await readAgain();
    const reply = chat.lastReply!;
    api.scripts = [[start(5), end(0)]];
    expect(await problemOf(chat, reply)).toContain('The same messages now give a different prompt.');
    api.files = [{ ...FILES[0], sha256: 'b'.repeat(64) }];
    expect(await problemOf(chat, reply)).toContain('The loaded TinyTransformer is not the file');
    api.files = FILES;
    reply.note({ run: { ...reply.facts.run!, files: null } });
    expect(await problemOf(chat, reply)).toContain('were not hashed');
    expect(connection.saved).toEqual([]);
    // An identical reply is by the files of the loaded model.
    expect(await runAgain(chat)).toMatch(/^Identical: /);
    expect(await receipts.save(inChat(chat), reply)).toBe(true);
    expect(JSON.parse(connection.saved[0].text)).toMatchObject({ model: { files: FILES } });
  });
});

it('hashes are shortened', () => {
  expect(withShortHashes(`a.gguf, SHA-256 ${'0123456789abcdef'.repeat(4)}`)).toBe('a.gguf, SHA-256 0123456789ab…');
});

it('versions are those of the engine’s runtime', () => {
  const about = { version: '1.0.0', versions: { 'Node.js': '22.1.0', V8: '14.0' } };
  expect(engineVersions({ ...about, host: 'electron' }, 'Chrome/1.2')).toEqual({
    Tokenscope: '1.0.0',
    ...about.versions,
  });
  const agent = 'Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.1.2 Safari/537.36';
  expect(engineVersions({ ...about, host: 'web' }, agent)).toEqual({
    Tokenscope: '1.0.0',
    Chrome: '140.0.1.2',
  });
  const safari = 'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15';
  expect(engineVersions({ ...about, host: 'web' }, safari)).toEqual({ Tokenscope: '1.0.0', Safari: '18.5' });
  expect(engineVersions({ ...about, host: 'web' }, 'unknown')).toEqual({ Tokenscope: '1.0.0' });
});
