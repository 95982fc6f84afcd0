import { describe, expect, it } from 'vitest';
import { REPLY_FACTS } from '../../chat/test-support/fakes.ts';
import { storedRun } from '../../chat/receipts/recorded-reply.ts';
import { ReceiptsState } from '../../chat/receipts/receipts.svelte.ts';
import { openSession } from '../../chat/test-support/session.ts';
import { applySettings, openAsChat } from './lane-chat.ts';
import { laneParams, newLaneSettings } from './lane-settings.ts';
import { storedReply } from './lane.svelte.ts';
import { promptOfChat, sentChat } from './sent-chat.ts';

const settings = {
  ...newLaneSettings({ id: 'tiny-transformer', name: 'TinyTransformer' }, { topK: 5 }),
  systemPrompt: 'Be brief.',
};
const reply = {
  text: ' upon',
  tokens: { ids: [4, 5], lengths: [3, 2], parts: [0, 0], logprobs: [-1, -2], latencies: [3, 4] },
  facts: { ...REPLY_FACTS, stop: { reason: 'eos', token: null } as const },
};

describe('openAsChat', () => {
  it('makes a chat of the prompt and the reply, which is stored with its tokens', async () => {
    const { chats } = await openSession();
    openAsChat(chats, { kind: 'text', text: 'Once' }, settings, [reply]);
    const chat = chats.current;
    await chats.flush();
    expect(chat).toMatchObject({ title: 'Once', systemPrompt: 'Be brief.' });
    chats.create();
    expect(chats.current.id).not.toBe(chat.id);
    await chats.select(chat.id);
    expect(chats.current.lastReply?.text).toBe(' upon');
    expect(chats.current.lastReply?.columns.ids).toEqual([4, 5]);
    expect(chats.current.path).toHaveLength(2);
  });

  it('leaves a new chat alone that a person has given a system prompt', async () => {
    const { chats } = await openSession();
    const started = chats.current;
    started.systemPrompt = 'Be kind.';
    openAsChat(chats, { kind: 'text', text: 'Once' }, settings, [reply]);
    expect(chats.current.path).toHaveLength(2);
    expect(started).toMatchObject({ systemPrompt: 'Be kind.', isEmpty: true });
    chats.create();
    expect(chats.current).toBe(started);
  });

  it('makes a chat whose reply can be run again', async () => {
    const { api, chats, connection, engine, session } = await openSession();
    api.files = [{ name: 'model.gguf', bytes: 9, sha256: 'a'.repeat(64) }];
    await session.send('Once');
    const { lastReply } = chats.current;
    const stored = storedReply(lastReply!);
    const prompt = {
      kind: 'chat',
      messages: [
        { role: 'user', text: 'Hi' },
        { role: 'assistant', text: 'Hello' },
        { role: 'user', text: 'Once' },
      ],
    } as const;
    openAsChat(chats, { ...prompt, messages: [...prompt.messages] }, settings, [
      { ...stored, facts: { ...stored.facts, run: { ...stored.facts.run!, systemPrompt: settings.systemPrompt } } },
    ]);
    const receipts = new ReceiptsState({ connection, engine, session, versions: () => Promise.resolve({}) });
    await receipts.runAgain((reply) => storedRun(chats.current, reply), chats.current.lastReply!);
    expect(receipts.task?.state).toMatchObject({ phase: 'done', outcome: { result: 'identical' } });
    expect(api.requests.at(-1)).toMatchObject({
      prompt: { messages: [{ role: 'system', text: 'Be brief.' }, ...prompt.messages] },
      sampling: { seed: stored.facts.seed },
    });
    // Only the text of earlier replies is known.
    const [, earlier] = chats.current.path;
    expect('facts' in earlier && earlier.facts).not.toHaveProperty('run');
  });

  it('makes versions of a branch and of what it was branched from', async () => {
    const { chats } = await openSession();
    const branch = {
      text: ' up',
      tokens: { ids: [4, 9], lengths: [3, 0], parts: [0, 0], logprobs: [-1, -2], latencies: [3, 4] },
      facts: { ...reply.facts, runStart: 1, branch: { turn: 'of the lane', index: 1 } },
    };
    openAsChat(chats, { kind: 'text', text: 'Once' }, settings, [reply, branch]);
    const { lastReply } = chats.current;
    const [first] = chats.current.versionsOf(lastReply!);
    expect(chats.current.versionsOf(lastReply!)).toHaveLength(2);
    expect([...lastReply!.columns.ids]).toEqual([4, 9]);
    expect(lastReply!.facts.branch).toEqual({ turn: first, index: 1 });
    expect(chats.current.path).toHaveLength(2);
  });

  it('keeps the earlier messages of a chat', async () => {
    const { chats } = await openSession();
    const messages = [
      { role: 'user', text: 'Hi' },
      { role: 'assistant', text: 'Hello' },
      { role: 'user', text: 'Who?' },
    ] as const;
    openAsChat(chats, { kind: 'chat', messages: [...messages] }, settings, [reply]);
    const chat = chats.current;
    expect(chat.messages().map(({ message }) => message.text)).toEqual(['Be brief.', 'Hi', 'Hello', 'Who?', ' upon']);
    // And back again.
    const last = chat.path[3];
    expect(sentChat(chat, last, 'stop')).toEqual({ title: 'Hi', messages, systemPrompt: 'Be brief.' });
    expect(sentChat(chat, chat.path[2], 'stop')).toMatchObject({ messages });
  });

  it('keeps what the chat does when the context window is full', async () => {
    const { chats, session } = await openSession();
    const messages = [{ role: 'user', text: 'Hi' } as const];
    openAsChat(chats, { kind: 'chat', messages, whenFull: 'drop_oldest' }, settings, [reply]);
    expect(session.whenFull).toBe('drop_oldest');
    // And back again.
    const sent = sentChat(chats.current, chats.current.path[1], session.whenFull);
    expect(laneParams(promptOfChat(sent), settings, 0).prompt).toMatchObject({
      messages: [{ role: 'system', text: 'Be brief.' }, ...messages],
      whenFull: 'drop_oldest',
    });
    expect(laneParams({ kind: 'text', text: 'Hi' }, settings, 0).prompt).not.toHaveProperty('whenFull');
  });
});

describe('applySettings', () => {
  it('replaces the settings of the model and the system prompt, and undoes it', async () => {
    const { chats, modelSettings } = await openSession();
    modelSettings.setSampling({ topP: 0.5 });
    const before = modelSettings.sampling;
    const { undo, ...applied } = applySettings({ chats, modelSettings, isChat: true }, settings);
    expect(applied).toEqual({ text: 'Settings applied to the chat', detail: 'Saved for TinyTransformer' });
    expect(modelSettings.sampling).toEqual(settings.sampling);
    expect(chats.current.systemPrompt).toBe('Be brief.');
    undo();
    expect(modelSettings.sampling).toEqual(before);
    expect(chats.current.systemPrompt).toBe('');
  });

  it('undoes it in the same chat, also after it was closed and opened again', async () => {
    const { chats, modelSettings } = await openSession();
    const chat = chats.current;
    chat.addUserTurn('Once');
    const own = { sampling: { topK: 3 }, stop: {} };
    chat.settings = own;
    const { undo } = applySettings({ chats, modelSettings, isChat: true }, settings);
    chats.create();
    await chats.flush();
    await chats.select(chat.id);
    expect(chats.current).not.toBe(chat);
    expect(chats.current).toMatchObject({ systemPrompt: 'Be brief.', settings: null });
    undo();
    expect(chats.current).toMatchObject({ systemPrompt: '', settings: own });
  });

  it('leaves the settings of the chat alone if the lane has another model', async () => {
    const { chats, modelSettings } = await openSession();
    const chat = chats.current;
    const own = { sampling: { topK: 3 }, stop: {} };
    chat.settings = own;
    const other = { ...settings, modelId: 'other', modelName: 'Other' };
    const { undo, ...applied } = applySettings({ chats, modelSettings, isChat: true }, other);
    expect(applied).toEqual({ text: 'Settings saved for Other', detail: 'The chat has its system prompt.' });
    expect(chat).toMatchObject({ systemPrompt: 'Be brief.', settings: own });
    undo();
    expect(chat).toMatchObject({ systemPrompt: '', settings: own });
    const plain = applySettings({ chats, modelSettings, isChat: true }, { ...other, systemPrompt: '' });
    expect(plain).not.toHaveProperty('detail');
  });

  it('leaves the empty chat behind a notebook alone', async () => {
    const { chats, modelSettings } = await openSession();
    const { text } = applySettings({ chats, modelSettings, isChat: false }, settings);
    expect(text).toBe('Settings applied to the notebook');
    expect(modelSettings.sampling).toEqual(settings.sampling);
    expect(chats.current.systemPrompt).toBe('');
  });
});
