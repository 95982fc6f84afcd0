/** What a desktop expects: menus, several windows, zoom, files opened from elsewhere. */
import type { Page } from '@playwright/test';
import type * as Electron from 'electron';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sandboxProblem } from '../scripts/lib/processes.ts';
import { root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { NotebookPage } from './pages/notebook.ts';
import type { RunningApp } from './support/app.ts';
import { writeTinyModel } from './support/model-files.ts';
import { expect, test } from './support/test.ts';

test.use({ freshApp: true });

/** Chooses an item of the menu by its id, as a person does. */
async function choose({ electron }: RunningApp, id: string): Promise<void> {
  await expect
    .poll(() => electron?.evaluate(({ Menu }, item) => Menu.getApplicationMenu()?.getMenuItemById(item) != null, id))
    .toBe(true);
  await electron?.evaluate(({ Menu }, item) => Menu.getApplicationMenu()?.getMenuItemById(item)?.click(), id);
}

function windowCount({ electron }: RunningApp): Promise<number> {
  return electron!.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
}

async function newWindow(app: RunningApp): Promise<Page> {
  const opened = app.electron!.waitForEvent('window');
  await choose(app, 'new-window');
  return await opened;
}

test('two windows have chats of their own and share one engine', async ({ app }) => {
  const first = await new ChatPage(app.page).readyForShortReplies();
  // So that no reply is empty.
  await first.set('ignoreEos', true);
  await first.ask('One');
  const page = await newWindow(app);
  const second = await new ChatPage(page).readyForShortReplies();
  // It starts with a new chat, not with the one of the first window.
  await expect(second.replies).toHaveCount(0);
  await expect(second.id('chat-item')).toHaveCount(1);

  // Both write at the same time: the second reply waits for the first one.
  await Promise.all([first.ask('Two'), second.ask('Three')]);
  await expect(first.replies).toHaveCount(2);
  await expect(second.replies).toHaveCount(1);
  await expect(first.id('chat-item')).toHaveCount(2);

  // The model is the same in all windows.
  await choose(app, 'view-models');
  const models = new ModelsPage({ page, electron: app.electron });
  await models.id('unload-model').click();
  await expect(first.id('engine-state')).toHaveAttribute('data-state', 'empty');
  await models.id('load-model').first().click();
  await first.ready();
  expect((await first.ask('Four')).text).not.toBe('');

  await page.close();
  await expect.poll(() => windowCount(app)).toBe(1);
  expect((await first.ask('Five')).text).not.toBe('');
});

test('a window that cannot be opened leaves the others alone @full', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await app.electron?.evaluate(({ BrowserWindow, dialog }) => {
    const shown: string[] = [];
    Object.assign(globalThis, { shown });
    Object.assign(dialog, { showErrorBox: (title: string) => void shown.push(title) });
    BrowserWindow.prototype.loadURL = () => Promise.reject(new Error('There is no page.'));
  });
  await choose(app, 'new-window');
  const shown = () => app.electron?.evaluate(() => (globalThis as unknown as { shown: string[] }).shown);
  await expect.poll(shown).toEqual(['Tokenscope could not open a window']);
  await expect.poll(() => windowCount(app)).toBe(1);
  expect((await chat.ask('Hello')).text).not.toBe('');
});

test('the menu shows views and settings, and zoom is remembered @full', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await choose(app, 'view-compare');
  await expect(chat.id('nav-compare')).toHaveAttribute('aria-current', 'page');
  await choose(app, 'about');
  await expect(chat.id('about-version')).toBeInViewport();
  await app.page.keyboard.press('Escape');
  const zoom = () =>
    app.electron?.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getZoomLevel());
  await choose(app, 'zoom-in');
  await choose(app, 'zoom-in');
  await choose(app, 'zoom-out');
  await expect.poll(zoom).toBe(0.5);
  await app.restart();
  await new ChatPage(app.page).ready();
  await expect.poll(zoom).toBe(0.5);
  await choose(app, 'zoom-reset');
  await expect.poll(zoom).toBe(0);
});

test('Undo and Redo of the menu are those of the notebook, except in a text field @full', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const notebook = new NotebookPage(app.page);
  const typed = 'Once upon a time';
  await chat.ready();
  await notebook.open();
  await app.page.keyboard.type(typed);
  await app.page.keyboard.press('Control+Enter');
  await notebook.finished();
  const generated = await notebook.content();
  expect(generated.length).toBeGreaterThan(typed.length);
  await choose(app, 'undo');
  await expect.poll(() => notebook.content()).toBe(typed);
  await choose(app, 'redo');
  await expect.poll(() => notebook.content()).toBe(generated);
  await expect(notebook.marked.first()).toBeVisible();

  const search = chat.id('chat-search');
  await search.press('u');
  await expect(search).toHaveValue('u');
  await choose(app, 'undo');
  await expect(search).toHaveValue('');
  expect(await notebook.content()).toBe(generated);

  // Nor does Chromium change the notebook, which it would do for a key that a field leaves to it.
  await notebook.text.focus();
  await app.electron!.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.undo());
  await expect.poll(() => notebook.content()).toBe(typed);
});

test('text fields and selected text have a context menu, and the title bar has the whole one @full', async ({
  app,
}) => {
  const chat = await new ChatPage(app.page).readyForShortReplies();
  await app.electron?.evaluate(({ Menu }) => {
    const shown: string[][] = [];
    Object.assign(globalThis, { shown });
    Menu.prototype.popup = function popup(this: Electron.Menu) {
      shown.push(this.items.map(({ label }) => label));
    };
  });
  const shown = () => app.electron?.evaluate(() => (globalThis as unknown as { shown: string[][] }).shown);
  await chat.id('composer').click({ button: 'right' });
  await expect.poll(shown).toEqual([['Cut', 'Copy', 'Paste', '', 'Select all']]);
  // A message has the page's own menu instead, unless its text is selected.
  await chat.ask('The cat sat');
  const message = chat.id('user-turn').locator('[data-copy]');
  await message.click({ button: 'right' });
  await expect(app.page.getByRole('menu')).toBeVisible();
  await app.page.keyboard.press('Escape');
  await message.selectText();
  await message.click({ button: 'right' });
  await expect.poll(async () => (await shown())?.slice(1)).toEqual([['Copy', '', 'Select all']]);
  await expect(app.page.getByRole('menu')).toHaveCount(0);
  await chat.id('app-menu').click();
  await expect.poll(async () => (await shown())?.at(-1)).toEqual(['&File', '&Edit', '&View', '&Window', '&Help']);
  await app.page.keyboard.press('F10');
  await expect.poll(async () => (await shown())?.length).toBe(4);
});

test('the taskbar shows progress, and a long reply in the background notifies @full', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await app.electron?.evaluate(({ BrowserWindow, Notification }) => {
    const seen = { progress: [] as number[], notified: [] as string[] };
    Object.assign(globalThis, { seen });
    BrowserWindow.prototype.setProgressBar = (fraction) => void seen.progress.push(fraction);
    BrowserWindow.prototype.isFocused = () => false;
    Notification.isSupported = () => true;
    Notification.prototype.show = function show(this: Electron.Notification) {
      seen.notified.push(this.body);
    };
  });
  const seen = () =>
    app.electron?.evaluate(() => (globalThis as unknown as { seen: { progress: number[]; notified: string[] } }).seen);
  await app.page.evaluate(() => {
    // What the page says after a reply of twelve seconds, and during a download.
    const { tokenscope } = window as unknown as { tokenscope: { tellDesktop(message: unknown): void } };
    tokenscope.tellDesktop({ type: 'progress', fraction: 0.25 });
    tokenscope.tellDesktop({ type: 'reply-ended', title: 'Long chat', ms: 12_000 });
    tokenscope.tellDesktop({ type: 'reply-ended', title: 'Short chat', ms: 3000 });
    tokenscope.tellDesktop({ type: 'progress', fraction: null });
  });
  await expect.poll(async () => (await seen())?.notified).toEqual(['Long chat']);
  expect((await seen())?.progress).toEqual(expect.arrayContaining([0.25, -1]));
});

test('a file opened by a second start opens in the window in front @full', async ({ app, dataDir }) => {
  const first = new ChatPage(app.page);
  await first.ready();
  const page = await newWindow(app);
  await new ChatPage(page).ready();
  const path = await writeTinyModel(dataDir);
  const { spawnfile } = app.electron!.process();
  const second = spawn(spawnfile, [root, ...(sandboxProblem() ? ['--no-sandbox'] : []), path], {
    env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
    stdio: 'ignore',
  });
  expect(await once(second, 'exit')).toEqual([0, null]);
  await expect(page.getByTestId('nav-models')).toHaveAttribute('aria-current', 'page');
  await expect(app.page.getByTestId('nav-chat')).toHaveAttribute('aria-current', 'page');
});

test('windows are restored with their chats @full', async ({ app }) => {
  // Four starts.
  test.slow();
  const first = new ChatPage(app.page);
  await first.ready();
  await first.ask('One');
  const second = new ChatPage(await newWindow(app));
  await second.ready();
  await second.ask('Two');
  await newWindow(app);
  const titles = async (): Promise<(string | undefined)[]> => {
    const pages = app.electron?.windows() ?? [];
    return (await Promise.all(pages.map((page) => page.locator('[data-testid="user-turn"]').allInnerTexts()))).map(
      ([text]) => text?.trim().split('\n')[0],
    );
  };
  await app.restart();
  await expect.poll(async () => (await titles()).length).toBe(3);
  await expect.poll(async () => (await titles()).map((text) => text ?? '').sort()).toEqual(['', 'One', 'Two']);
  // Nor is one forgotten that had closed when another asked about unsaved changes, which takes a person a while.
  await new ChatPage(app.page).id('composer').click();
  await app.page.evaluate(() => window.addEventListener('beforeunload', (event) => event.preventDefault()));
  const closed = app.electron!.waitForEvent('close');
  await app.electron!.evaluate(({ app: main, dialog }) => {
    const discard = () => new Promise((resolve) => setTimeout(() => resolve({ response: 0 }), 2000));
    Object.assign(dialog, { showMessageBox: discard });
    setTimeout(() => main.quit());
  });
  await closed;
  await app.restart();
  await expect.poll(async () => (await titles()).length).toBe(3);
  // A window that was closed is not restored.
  const [page] = (app.electron?.windows() ?? []).filter((one) => one !== app.page);
  await page?.close();
  await app.restart();
  await expect.poll(async () => (await titles()).length).toBe(2);
});
