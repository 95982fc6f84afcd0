/** Nothing that was said is lost: two pages, two programs, a disk that fails, deleted chats. */
import type { StoredChat } from '../src-main/protocol/app/chats/chat.ts';
import { ChatPage } from './pages/chat.ts';
import type { RunningApp } from './support/app.ts';
import { failingDisk } from './support/failing-disk.ts';
import { pageOfOtherHost, secondPage } from './support/second-page.ts';
import { expect, test } from './support/test.ts';

/** Guards against hanging: both pages share a core with the engine, ms. */
const GROWS_MS = 30_000;

async function ready(app: RunningApp, maxTokens = 6): Promise<ChatPage> {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', maxTokens);
  return chat;
}

async function stored(app: RunningApp): Promise<StoredChat[]> {
  const list = await app.services.invoke('chatsList');
  const chats = await Promise.all(list.map(({ id }) => app.services.invoke('chatGet', id)));
  return chats.filter((chat) => chat !== null);
}

async function messages(app: RunningApp): Promise<string[]> {
  const chats = await stored(app);
  return chats.flatMap(({ turns }) => turns.flatMap((turn) => (turn.role === 'user' ? [turn.text] : [])));
}

test('two pages see each other’s turns at once, and every turn of both is kept', async ({ app, openChromium }) => {
  const a = await ready(app);
  await a.ask('from the first');
  const second = await secondPage(app, await openChromium());
  const b = new ChatPage(second.page);
  await b.ready();
  await b.id('chat-item').first().click();
  await expect(b.id('user-turn')).toHaveText([/from the first/]);
  await b.ask('from the second');
  await expect(a.id('user-turn')).toHaveText([/from the first/, /from the second/]);
  await expect(a.replies).toHaveCount(2);
  await a.ask('from the first again');
  await expect(b.id('user-turn')).toHaveText([/from the first/, /from the second/, /from the first again/]);
  await second.close();
  expect(await messages(app)).toEqual(['from the first', 'from the second', 'from the first again']);
  await app.restart();
  const after = new ChatPage(app.page);
  await after.ready();
  await expect(after.id('user-turn')).toHaveCount(3);
  await expect(after.replies).toHaveCount(3);
});

test('a reply in one page grows in the other one', { tag: '@full' }, async ({ app, openChromium }) => {
  test.slow();
  const a = await ready(app);
  await a.ask('Hello');
  const second = await secondPage(app, await openChromium());
  const b = new ChatPage(second.page);
  await b.ready();
  await b.id('chat-item').first().click();
  await expect(b.replies).toHaveCount(1);
  await a.endless();
  await a.send('Once upon a time');
  await expect(b.replies).toHaveCount(2);
  const length = async () => ((await b.lastText.textContent()) ?? '').length;
  await expect.poll(length, { timeout: GROWS_MS }).toBeGreaterThan(20);
  const early = await length();
  await expect.poll(length, { timeout: GROWS_MS }).toBeGreaterThan(early + 20);
  await a.id('stop').click();
  await a.finished();
  await expect(b.lastStop).toHaveAttribute('data-reason', 'user');
  await expect(b.lastText).toHaveText((await a.lastText.textContent()) ?? '');
  await second.close();
});

test('the app and a web host on one folder both save their chats', { tag: '@full' }, async ({ app, openChromium }) => {
  const a = await ready(app);
  const other = await pageOfOtherHost(app, await openChromium());
  const b = new ChatPage(other.page);
  await b.ready();
  await b.send('from the other host');
  await b.finished();
  await a.ask('from the app');
  await expect(a.id('chat-item')).toHaveCount(2);
  await expect(b.id('chat-item')).toHaveCount(2);
  await expect(b.id('not-saved')).toBeHidden();
  await other.close();
  expect((await messages(app)).sort()).toEqual(['from the app', 'from the other host']);
});

test('a chat that cannot be saved says so, survives navigation, and is saved once that is possible', async ({
  app,
}) => {
  // Response to a failed write.
  app.guard.allow(/status of 507/);
  const disk = await failingDisk(app.dataDir);
  try {
    const chat = await ready(app);
    await chat.ask('the other chat');
    await chat.newChat();
    await chat.ask('saved');
    await disk.readOnly();
    await chat.ask('not saved yet');
    await expect(chat.id('not-saved')).toContainText('Not saved.');
    await expect(chat.id('chat-unsaved')).toHaveCount(1);
    await chat.id('chat-item').filter({ hasText: 'the other chat' }).click();
    await expect(chat.id('user-turn')).toHaveText([/the other chat/]);
    await expect(chat.id('not-saved')).toBeHidden();
    await expect(chat.id('chat-unsaved')).toHaveCount(1);
    await chat.id('chat-item').filter({ hasText: 'saved' }).first().click();
    await expect(chat.id('user-turn')).toHaveText([/saved/, /not saved yet/]);
    await chat.id('retry-save').click();
    await expect(chat.id('not-saved')).toBeVisible();
    const retry = await chat.id('retry-save').elementHandle();
    await disk.repair();
    // An automatic retry may already have removed the button.
    await retry?.evaluate((button) => (button as HTMLElement).click());
    await expect(chat.id('not-saved')).toBeHidden();
    await expect(chat.id('chat-unsaved')).toBeHidden();
    expect((await messages(app)).sort()).toEqual(['not saved yet', 'saved', 'the other chat']);
  } finally {
    await disk.repair();
    await disk.close();
  }
});

test('a full disk during a reply loses nothing once there is space again', { tag: '@full' }, async ({ app }) => {
  // Response to a failed write.
  app.guard.allow(/status of 507/);
  const disk = await failingDisk(app.dataDir);
  try {
    const chat = await ready(app);
    await chat.endless();
    await chat.send('Once upon a time');
    await expect(chat.lastText).not.toBeEmpty();
    await disk.full();
    await expect(chat.id('not-saved')).toBeVisible();
    const early = ((await chat.lastText.textContent()) ?? '').length;
    await expect.poll(async () => ((await chat.lastText.textContent()) ?? '').length).toBeGreaterThan(early + 40);
    await chat.id('stop').click();
    await chat.finished();
    const shown = await chat.lastText.textContent();
    await disk.repair();
    // Automatically, without a click: it tries every ten seconds at last.
    await expect(chat.id('not-saved')).toBeHidden({ timeout: 30_000 });
    const [only] = await stored(app);
    const reply = only?.turns.find((turn) => turn.role === 'assistant');
    expect(reply?.role === 'assistant' && reply.text.trim()).toBe(shown?.trim());
    expect(reply?.role === 'assistant' && reply.facts.stop?.reason).toBe('user');
  } finally {
    await disk.repair();
    await disk.close();
  }
});

test('a deleted chat sends nothing that was queued, and stays deleted', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.endless();
  await chat.send('Once upon a time');
  await expect(chat.lastText).not.toBeEmpty();
  await chat.id('composer').fill('never to be sent');
  await chat.id('composer').press('Enter');
  await expect(chat.page.getByText('Sent when the reply ends:')).toBeVisible();
  await chat.chatMenu(chat.id('chat-item'), 'chat-delete');
  await expect(chat.id('chat-item')).toHaveCount(0);
  await expect(chat.id('send')).toBeVisible();
  await chat.newChat();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 4);
  await chat.ask('another chat');
  await expect(chat.id('chat-item')).toHaveCount(1);
  expect(await messages(app)).toEqual(['another chat']);
});

test('every version and its descendants are kept', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.ask('Hello');
  await chat.lastReply.getByTestId('regenerate').click();
  await expect(chat.lastReply.getByText('2 / 2')).toBeVisible();
  await chat.finished();
  await chat.ask('More');
  await app.restart();
  const after = new ChatPage(app.page);
  await after.ready();
  await expect(after.replies).toHaveCount(2);
  const first = after.replies.first();
  await expect(first.getByText('2 / 2')).toBeVisible();
  await first.getByRole('button', { name: 'Previous version' }).click();
  await expect(after.replies).toHaveCount(1);
  await after.replies.first().getByRole('button', { name: 'Next version' }).click();
  await expect(after.replies).toHaveCount(2);
});
