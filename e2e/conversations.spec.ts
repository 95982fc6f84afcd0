/** Folders, pins, search, export and import of chats. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Locator } from '@playwright/test';
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { writeChat } from './support/long-chats.ts';
import { saveOffered } from './support/saved-file.ts';
import { expect, test, type RunningApp } from './support/test.ts';

const FIXTURES = resolve('src-renderer/features/chat/transfer/fixtures');

const ready = (app: RunningApp) => new ChatPage(app.page).readyForShortReplies();
const rows = (chat: ChatPage) => chat.id('chat-item');
const heads = (chat: ChatPage) => chat.id('chat-list').locator('h2');

/** Saves what a click exports, and returns it as a text. */
async function exported(app: RunningApp, folder: string, click: () => Promise<void>): Promise<string> {
  const path = join(folder, `exported-${Date.now()}`);
  await saveOffered(app, path, click);
  return await readFile(path, 'utf8');
}

test('chats are imported, found, pinned, moved to a folder, duplicated and exported', async ({ app, dataDir }) => {
  const chat = await ready(app);
  await chat.id('import-file').setInputFiles(join(FIXTURES, 'chatgpt.json'));
  await expect(chat.id('import-notice')).toHaveText(/Left out: 1 image, 2 tool messages/);
  await expectNoViolations(app.page, 'result of an import');
  await chat.id('import-close').click();
  await expect(rows(chat)).toHaveText([/Names for a cat.*, 2 branches/s]);
  await expect(chat.lastReply.getByTestId('pager')).toContainText('2 / 2');
  await expect(heads(chat)).toHaveText(['Pinned']);
  await chat.id('import-file').setInputFiles(join(FIXTURES, 'open-webui.json'));
  await chat.id('import-close').click();
  await expect(rows(chat)).toHaveCount(2);
  await expect(heads(chat)).toHaveText(['Pinned', /python/]);

  // The text that was searched for, also in another branch than the shown one.
  await chat.id('chat-search').fill('pixel');
  await expect(chat.id('chat-hit')).toHaveText('**Pixel**, for her spots.');
  await expect(chat.id('chat-hit').locator('mark')).toHaveText('Pixel');
  await expect(chat.id('live-region')).toContainText('1 result');
  await expectNoViolations(app.page, 'search results');
  await rows(chat).click();
  await expect(chat.lastText).toContainText('Pixel');
  await expect.poll(() => app.page.evaluate(() => CSS.highlights.get('found')?.size ?? 0)).toBe(1);
  await chat.id('chat-search').fill('');

  // A right click opens one menu, at the pointer, and no other chat.
  const sorting = rows(chat).filter({ hasText: 'Sorting a list' });
  const names = rows(chat).filter({ hasText: 'Names for a cat' });
  const menu = app.page.getByRole('menu');
  await sorting.click({ button: 'right' });
  await expect(menu).toHaveAccessibleName('Actions for Sorting a list');
  await names.click({ button: 'right' });
  await expect(menu).toHaveAccessibleName('Actions for Names for a cat');
  await app.page.keyboard.press('Escape');
  await expect(menu).toHaveCount(0);
  await sorting.click({ button: 'right', position: { x: 40, y: 10 } });
  const left = async (locator: Locator) => (await locator.boundingBox())!.x;
  await expect.poll(async () => Math.abs((await left(menu)) - (await left(sorting)) - 40)).toBeLessThan(2);
  await expect(app.page.getByRole('heading', { level: 1 })).toHaveText('Names for a cat');
  await chat.id('chat-folder').click();
  await chat.id('folder-name').fill('Programming');
  await chat.id('folder-move').click();
  await expect(heads(chat)).toHaveText(['Pinned', /Programming/]);
  await chat.id('folder').click();
  await expect(sorting).toHaveCount(0);
  await chat.id('folder').click();

  await chat.chatMenu(sorting, 'chat-duplicate');
  await expect(rows(chat)).toHaveCount(3);
  await expect(app.page.getByRole('heading', { level: 1 })).toHaveText('Sorting a list (copy)');

  const json = await exported(app, dataDir, async () => {
    await rows(chat).filter({ hasText: 'Names' }).hover();
    await app.page.locator('li', { has: names }).getByTestId('chat-menu').click();
    await chat.id('chat-export').hover();
    await chat.id('export-json').click();
  });
  expect(JSON.parse(json)).toMatchObject({ format: 'tokenscope-chats', chats: [{ title: 'Names for a cat' }] });
});

test('a chat is left while it is scrolled to what was found', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.id('import-file').setInputFiles(join(FIXTURES, 'chatgpt.json'));
  await chat.id('import-close').click();
  await chat.newChat();
  await chat.id('chat-search').fill('pixel');
  await expect(chat.id('chat-hit')).toBeVisible();
  // Formatting the replies takes a few frames, and scrolling waits for that. An error there would fail the test.
  await app.page.evaluate(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const click = (id: string) => document.querySelector<HTMLElement>(`[data-testid="${id}"]`)?.click();
    click('chat-item');
    while (document.querySelector('[data-testid="user-turn"]') === null) await frame();
    click('new-chat');
    for (let count = 0; count < 40; count++) await frame();
  });
  await expect(chat.id('user-turn')).toHaveCount(0);
});

test('the list of chats has no violation in any theme, also in the drawer', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.id('import-file').setInputFiles(join(FIXTURES, 'open-webui.json'));
  await chat.id('import-close').click();
  await chat.id('chat-search').fill('sort');
  await expect(rows(chat)).toHaveCount(1);
  await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'search results');
  await chat.id('chat-search').fill('');
  await rows(chat).hover();
  await chat.id('chat-menu').click();
  await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'menu of a chat');
});

test('an import that fails says why, and changes nothing', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.ask('Hello');
  const file = (name: string, text: string) => ({ name, mimeType: 'application/json', buffer: Buffer.from(text) });
  for (const [text, problem] of [
    ['not json', 'is not a JSON file'],
    ['{"a": 1}', 'has no chats of Tokenscope, ChatGPT or Open WebUI'],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'has no chats'],
  ] as const) {
    await chat.id('import-file').setInputFiles(file('broken.json', text));
    await expect(chat.id('import-problem')).toContainText(problem);
    await chat.id('import-close').click();
  }
  await expect(rows(chat)).toHaveCount(1);
});

test('an import is undone', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.id('import-file').setInputFiles(join(FIXTURES, 'open-webui.json'));
  await chat.id('import-close').click();
  await app.page.getByRole('button', { name: 'Undo' }).click();
  await expect(rows(chat)).toHaveCount(0);
});

test('each chat has its own draft, which survives a restart', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.ask('Hello');
  await chat.id('composer').fill('about the first chat');
  await chat.newChat();
  await expect(chat.id('composer')).toHaveValue('');
  await chat.id('composer').fill('about a new chat');
  await rows(chat).click();
  await expect(chat.id('composer')).toHaveValue('about the first chat');
  // They are stored a moment later.
  const stored = () =>
    app.page.evaluate(() => {
      const drafts = JSON.parse(localStorage.getItem('tokenscope.drafts') ?? '{}') as Record<string, string>;
      return Object.values(drafts).sort();
    });
  await expect.poll(stored).toEqual(['about a new chat', 'about the first chat']);
  await app.page.reload();
  const after = new ChatPage(app.page);
  await after.ready();
  await expect(after.id('composer')).toHaveValue('about the first chat');
  await after.newChat();
  await expect(after.id('composer')).toHaveValue('about a new chat');
});

test('a message that waits is in the composer after the page was reloaded', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.endless();
  await chat.send('Once upon a time');
  await expect(chat.lastText).not.toBeEmpty();
  await chat.id('composer').fill('The dog');
  await chat.id('composer').press('Enter');
  await expect(app.page.getByText('Sent when the reply ends:')).toBeVisible();
  await app.page.reload();
  const after = new ChatPage(app.page);
  await after.ready();
  await expect(after.id('composer')).toHaveValue('The dog');
});

test('the focus moves to another chat when one is deleted by keyboard', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  const { keyboard } = app.page;
  for (const text of ['First', 'Second', 'Third']) {
    await chat.newChat();
    await chat.ask(text);
  }
  const row = (title: string) => rows(chat).filter({ hasText: title });
  // The newest is at the top.
  await row('Second').focus();
  await keyboard.press('Delete');
  await expect(rows(chat)).toHaveCount(2);
  await expect(row('First')).toBeFocused();
  // From the menu, and without a next one.
  await keyboard.press('Shift+F10');
  await expect(chat.id('chat-rename')).toBeFocused();
  await keyboard.press('End');
  await keyboard.press('Enter');
  await expect(rows(chat)).toHaveCount(1);
  await expect(row('Third')).toBeFocused();
  await keyboard.press('Delete');
  await expect(rows(chat)).toHaveCount(0);
  await expect(chat.id('composer')).toBeFocused();
});

test('a Hebrew title that is too long shows its beginning', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  const title = 'אבגדהוזחטיכלמנסעפצקרשת'.repeat(3).slice(0, 45);
  await writeChat(app, { id: '00000000-0000-4000-8000-000000000001', title, replies: [['Hi']] });
  const row = rows(chat).filter({ hasText: title });
  await row.click();
  await expect(app.page.getByRole('heading', { level: 1, name: title })).toHaveCSS('direction', 'rtl');
  const seen = await row.getByText(title).evaluate((element) => {
    const range = document.createRange();
    range.setStart(element.firstChild!, 0);
    range.setEnd(element.firstChild!, 1);
    const [letter, box] = [range.getBoundingClientRect(), element.getBoundingClientRect()];
    return {
      direction: getComputedStyle(element).direction,
      isCut: element.scrollWidth > element.clientWidth,
      showsBeginning: letter.width > 0 && letter.left >= box.left && letter.right <= box.right + 1,
    };
  });
  expect(seen).toEqual({ direction: 'rtl', isCut: true, showsBeginning: true });
  await row.press('F2');
  await expect(app.page.getByRole('textbox', { name: 'Chat title' })).toHaveCSS('direction', 'rtl');
});

test('chats are managed with the keyboard alone', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  const { keyboard } = app.page;
  await chat.ask('Hello');
  await rows(chat).focus();
  await keyboard.press('F2');
  await expect(app.page.getByRole('textbox', { name: 'Chat title' })).toBeFocused();
  await keyboard.type('Renamed');
  await keyboard.press('Enter');
  await expect(rows(chat)).toHaveText(/Renamed/);
  await expect(rows(chat)).toBeFocused();
  await keyboard.press('Shift+F10');
  await expect(chat.id('chat-rename')).toBeFocused();
  await keyboard.press('Escape');
  await expect(rows(chat)).toBeFocused();
  await keyboard.press('Tab');
  await expect(chat.id('chat-menu')).toBeFocused();
  await keyboard.press('Enter');
  // The menu accepts keys once it has the focus.
  await expect(chat.id('chat-rename')).toBeFocused();
  await keyboard.press('ArrowDown');
  await expect(chat.id('chat-pin')).toBeFocused();
  await keyboard.press('Enter');
  await expect(heads(chat)).toHaveText(['Pinned']);
});
