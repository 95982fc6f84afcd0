/** Deleted chats are listed, restored, and deleted for good. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChatEvent } from '../src-main/protocol/app/chats/chat.ts';
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations, expectNoViolationsIn, THEMES } from './support/axe.ts';
import { secondPage } from './support/second-page.ts';
import { expect, test, type RunningApp } from './support/test.ts';

const AT = '2026-01-01T00:00:00.000Z';

/** A chat with one message, in a folder. */
async function writeChat(app: RunningApp, id: string, title: string): Promise<void> {
  const events: ChatEvent[] = [
    { type: 'facts', at: AT, facts: { title, folder: 'Animals' } },
    { type: 'turn', at: AT, turn: { id: 'u', parent: null, role: 'user', text: title, createdAt: AT } },
  ];
  await app.services.invoke('chatWrite', { id, base: 0, origin: 'test', events, details: [] });
}

const rows = (chat: ChatPage) => chat.id('chat-item');
const deleted = (chat: ChatPage) => chat.id('deleted-chat');
const titles = async (chat: ChatPage) => await chat.id('deleted-title').allTextContents();
const button = (chat: ChatPage, name: string) => chat.page.getByRole('button', { name, exact: true });

async function openDeleted(chat: ChatPage): Promise<void> {
  await chat.id('chats-menu').click();
  await chat.id('deleted-chats').click();
  await expect(chat.id('deleted-close')).toBeFocused();
}

test('deleted chats are restored or deleted for good, by keyboard, and another page follows', async ({
  app,
  openChromium,
}) => {
  const chat = new ChatPage(app.page);
  const { keyboard } = app.page;
  await chat.ready();
  for (const title of ['Cats', 'Dogs', 'Emus']) await writeChat(app, title.toLowerCase(), title);
  await expect(rows(chat)).toHaveCount(3);
  await chat.id('chats-menu').click();
  await chat.id('delete-chats').click();
  await chat.id('confirm-delete-chats').click();
  await expect(rows(chat)).toHaveCount(0);
  // Without the toast that undoes it.
  await app.page.reload();
  await chat.ready();

  await openDeleted(chat);
  await expect(deleted(chat)).toHaveCount(3);
  await expect(deleted(chat).first()).toContainText(/Deleted .+ · 1 message · kept until \d+ \w+ \d{4}/);
  await expectNoViolations(app.page, 'recently deleted chats');
  const [first, second, third] = await titles(chat);
  await button(chat, `Restore ${first}`).focus();
  await keyboard.press('Enter');
  await expect(deleted(chat)).toHaveCount(2);
  await expect(button(chat, `Restore ${second}`)).toBeFocused();
  await expect(chat.id('live-region')).toHaveText(`Chat restored: ${first}`);
  await expect(rows(chat)).toHaveText([new RegExp(first)]);
  await expect(chat.id('folder')).toHaveText(/Animals/);

  // Another page, from the palette.
  const other = await secondPage(app, await openChromium());
  const b = new ChatPage(other.page);
  await b.ready();
  await expect(rows(b)).toHaveCount(1);
  await other.page.keyboard.press('Control+k');
  await expect(b.id('palette-input')).toBeFocused();
  await other.page.keyboard.type('Recently deleted');
  await other.page.keyboard.press('Enter');
  await expect(deleted(b)).toHaveCount(2);
  await button(b, `Restore ${second}`).click();
  await expect(deleted(b)).toHaveCount(1);
  await expect(deleted(chat)).toHaveCount(1);
  await expect(rows(chat)).toHaveCount(2);
  await other.close();

  const purge = button(chat, `Delete for good: ${third}`);
  await purge.click();
  await expect(chat.id('purge-dialog')).toContainText(third);
  await expect(button(chat, 'Cancel')).toBeFocused();
  await expectNoViolations(app.page, 'the question before a chat is deleted for good');
  await keyboard.press('Escape');
  await expect(chat.id('purge-dialog')).toHaveCount(0);
  await expect(purge).toBeFocused();
  await keyboard.press('Enter');
  await chat.id('confirm-purge').click();
  await expect(chat.id('deleted-dialog')).toContainText('No deleted chats or notebooks.');
  await expect(chat.id('deleted-close')).toBeFocused();
  await expect(chat.id('live-region')).toHaveText(`Chat deleted for good: ${third}`);
  expect(await readdir(join(app.dataDir, 'chats', 'deleted'))).toEqual([]);
  await keyboard.press('Enter');
  await expect(chat.id('deleted-dialog')).toHaveCount(0);
  await expect(chat.id('chats-menu')).toBeFocused();
});

test('all deleted chats are restored, or deleted for good, and long titles fit', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const names = [`Long ${'wwwwwwww'.repeat(24)}`, 'שיחה על חתולים', 'Emus'];
  for (const [at, title] of names.entries()) {
    await writeChat(app, `all-${at}`, title);
    await app.services.invoke('chatDelete', `all-${at}`);
  }
  await openDeleted(chat);
  await expect(deleted(chat)).toHaveCount(3);
  await expectNoViolationsIn(THEMES, app.page, 'recently deleted chats');
  for (const width of [1280, 480]) {
    await app.page.setViewportSize({ width, height: 700 });
    const overflow = await chat.id('deleted-dialog').evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
    expect(overflow, `at ${width} px`).toBeLessThanOrEqual(0);
    for (const restore of await chat.id('deleted-restore').all()) await expect(restore).toBeInViewport({ ratio: 1 });
  }
  const hebrew = chat.id('deleted-title').filter({ hasText: names[1] });
  expect(await hebrew.evaluate((title) => getComputedStyle(title).direction)).toBe('rtl');
  await chat.id('deleted-restore-all').click();
  await expect(chat.id('deleted-dialog')).toContainText('No deleted chats or notebooks.');
  await expect(chat.id('deleted-close')).toBeFocused();
  await expect(chat.id('live-region')).toHaveText('3 chats restored');
  expect(await app.services.invoke('chatsList')).toHaveLength(3);
  for (const at of names.keys()) await app.services.invoke('chatDelete', `all-${at}`);
  await expect(deleted(chat)).toHaveCount(3);
  await chat.id('deleted-purge-all').click();
  await expect(chat.id('purge-dialog')).toContainText('This deletes 3 chats');
  await chat.id('confirm-purge').click();
  await expect(deleted(chat)).toHaveCount(0);
  await expect(chat.id('deleted-close')).toBeFocused();
  expect(await app.services.invoke('chatsDeleted')).toEqual([]);
});
