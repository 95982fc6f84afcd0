/** Command palette, shortcuts, find in chat, tour, appearance, undo and feedback. */
import type { Locator } from '@playwright/test';
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations, expectNoViolationsIn, THEMES } from './support/axe.ts';
import { openReplies } from './support/markdown.ts';
import { expectNothingCutOff } from './support/overflow.ts';
import { expect, test } from './support/test.ts';

const REPLIES = Array.from({ length: 60 }, (_, at) => `Item **${at + 1}** is ready.\n\n- a *small* fox\n- an old book`);

test('commands, chats and models without a mouse; text is found in a long chat', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  const { keyboard } = page;
  await chat.ready();

  await openReplies(app, chat, REPLIES);
  await expect(chat.lastText).toContainText('Item 60 is ready.');
  await keyboard.press('Control+f');
  await expect(chat.id('find-field')).toBeFocused();
  // All at once: the count of a part of it would match, too.
  await keyboard.insertText('is ready');
  // The first one in view, at the end of the chat.
  await expect(chat.id('find-count')).toHaveText(/^5\d of 60$/);
  const first = Number((await chat.id('find-count').innerText()).split(' ')[0]);
  await keyboard.press('Shift+Enter');
  await expect(chat.id('find-count')).toHaveText(`${first - 1} of 60`);
  // Across the borders of bold text, in a reply that was not in the DOM.
  await chat.id('find-field').fill('item 31 IS');
  await expect(chat.id('find-count')).toHaveText('1 of 1');
  await expect(chat.replies.filter({ hasText: 'Item 31 is' })).toBeInViewport();
  await expect.poll(() => page.evaluate(() => CSS.highlights.get('found-current')?.size ?? 0)).toBe(1);
  await expect(chat.id('find-field')).toBeFocused();
  await chat.id('find-field').fill('**31** is');
  await expect(chat.id('find-count')).toHaveText('Not found');
  await app.services.invoke('settingsSet', { rawReplies: true });
  await expect(chat.id('find-count')).toHaveText('1 of 1');
  await keyboard.press('Escape');
  await expect(chat.id('find-bar')).toHaveCount(0);
  await expect.poll(() => page.evaluate(() => CSS.highlights.has('found'))).toBe(false);

  const choose = async (typed: string, title: RegExp) => {
    await keyboard.press('Control+k');
    await expect(chat.id('palette-input')).toBeFocused();
    await keyboard.type(typed);
    const item = page.locator('[data-testid=palette-item][data-selected]');
    await expect(item).toHaveText(title);
    return item;
  };
  await choose('tdark', /^Theme: Dark/);
  await expectNoViolations(page, 'command palette');
  await keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  // By mouse, too; the focus comes back.
  await chat.id('open-palette').click();
  await expect(chat.id('palette-input')).toBeFocused();
  await keyboard.press('Escape');
  await expect(chat.id('open-palette')).toBeFocused();
  await choose('gcomp', /^Go to Compare/);
  await keyboard.press('Enter');
  await expect(chat.id('palette')).toHaveCount(0);
  await expect(page).toHaveTitle(/^Compare/);
  // A message of a chat, by its text.
  await choose('item **17', /Item \*\*17/);
  await keyboard.press('Enter');
  await expect(chat.replies.filter({ hasText: '**17**' })).toBeInViewport();
});

test('the last message is edited with Arrow up; the palette copies the last reply @full', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  const { keyboard } = page;
  await chat.ready();
  // So long that its message is not in the page.
  const long = Array.from({ length: 400 }, (_, at) => `Paragraph ${at + 1}.`).join('\n\n');
  await openReplies(app, chat, ['A short one.', long]);
  await expect(chat.lastText).toContainText('Paragraph 400.');
  const composer = chat.id('composer');
  const editor = chat.id('turn-editor-text');
  await composer.fill('a');
  await keyboard.press('ArrowUp');
  await expect(editor).toHaveCount(0);
  await composer.fill('');
  await keyboard.press('ArrowUp');
  await expect(editor).toBeFocused();
  await expect(editor).toBeInViewport();
  await expect(editor).toHaveValue(/^Question 2/);
  await keyboard.press('Escape');
  await expect(editor).toHaveCount(0);
  // In the page now, and in view.
  await composer.focus();
  await keyboard.press('ArrowUp');
  await expect(editor).toBeFocused();
  await keyboard.press('Escape');

  const choose = async (title: string) => {
    await keyboard.press('Control+k');
    await expect(chat.id('palette-input')).toBeFocused();
    await keyboard.type(title);
    await expect(page.locator('[data-testid=palette-item][data-selected]')).toHaveText(title);
    await keyboard.press('Enter');
  };
  await choose('Copy the last reply');
  await expect(chat.id('toast').filter({ hasText: 'Answer copied' })).toBeVisible();
  await page.locator('[data-region="thread"]').focus();
  await choose('Focus the message box');
  await expect(composer).toBeFocused();
});

test('tour, find bar, palette and shortcut sheet have no violations in any theme @full', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  await chat.ready();
  await chat.id('tour-start').click();
  await expectNoViolationsIn(THEMES, page, 'tour');
  // Around the message box, and not over it.
  const [ring, box] = await Promise.all(['tour-ring', 'composer-box'].map((id) => chat.id(id).boundingBox()));
  expect(box!.x - ring!.x).toBeCloseTo(4, 0);
  expect(box!.y - ring!.y).toBeCloseTo(4, 0);
  expect(ring!.width - box!.width).toBeCloseTo(8, 0);
  await chat.id('tour-next').click();
  await chat.id('tour-next').click();
  await expect(chat.id('tour-step')).toHaveText('3 of 3');
  await chat.id('tour-done').click();
  await expect(chat.id('tour-offer')).toHaveCount(0);
  await openReplies(app, chat, REPLIES.slice(0, 2));
  await expect(chat.lastText).toContainText('Item 2 is ready.');
  await page.keyboard.press('Control+f');
  await expect(chat.id('find-field')).toBeFocused();
  await page.keyboard.type('fox');
  await expect(chat.id('find-count')).toHaveText('1 of 2');
  await expectNoViolationsIn(THEMES, page, 'find in chat');
  // In a small window, the bar covers no message.
  await page.setViewportSize({ width: 480, height: 700 });
  const thread = page.locator('[data-region="thread"]');
  const below = async () => {
    await thread.evaluate((element) => (element.scrollTop = 0));
    const [bar, first] = [await chat.id('find-bar').boundingBox(), await chat.id('user-turn').first().boundingBox()];
    return first!.y - bar!.y - bar!.height;
  };
  await expect.poll(below).toBeGreaterThan(0);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await expect(chat.id('palette-item').first()).toBeVisible();
  await expectNoViolationsIn(THEMES, page, 'command palette');
  await page.keyboard.press('Control+k');
  await expect(chat.id('palette')).toHaveCount(0);
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.keyboard.press('?');
  await expect(chat.id('shortcuts')).toContainText('Find in this chat');
  await expect(chat.id('shortcuts')).toContainText('Vote for text 1');
  await expect(chat.id('shortcuts')).toContainText('Look inside');
  await expect(chat.id('shortcuts')).toContainText('Details of the token at the cursor');
  await expectNoViolationsIn(THEMES, page, 'shortcut sheet');
});

test('text size and density apply at once and are kept @full', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await openReplies(app, chat, REPLIES.slice(0, 3));
  // The thread is as wide as the composer, with and without the panel.
  const edges = (locator: Locator) =>
    locator.evaluate((element) => {
      const { left, right } = element.getBoundingClientRect();
      return [left, right].map(Math.round);
    });
  for (const width of [1280, 1600]) {
    await app.page.setViewportSize({ width, height: 800 });
    expect(await edges(chat.lastReply)).toEqual(await edges(chat.id('composer-box')));
    await chat.id('panel-toggle').click();
    expect(await edges(chat.lastReply)).toEqual(await edges(chat.id('composer-box')));
  }
  const sizeOf = () => chat.lastText.evaluate((text) => parseFloat(getComputedStyle(text).fontSize));
  const before = await sizeOf();
  await chat.id('open-settings').click();
  await chat.id('setting-text-size').getByRole('radio', { name: 'Larger' }).click();
  await expect.poll(sizeOf).toBeCloseTo(before * 1.3, 3);
  await chat.id('setting-density').getByRole('radio', { name: 'Compact' }).click();
  await expectNoViolations(app.page, 'settings, larger text');
  await expectNoViolationsIn(THEMES, app.page, 'settings, larger text');
  await app.page.keyboard.press('Escape');
  // Nothing is wider than the window.
  for (const width of [1280, 480]) {
    await app.page.setViewportSize({ width, height: 700 });
    const excess = () => app.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await expect.poll(excess, `at ${width} px`).toBeLessThanOrEqual(0);
  }
  await expect.poll(async () => (await app.services.invoke('settingsGet')).density).toBe('compact');
  await app.page.reload();
  await chat.ready();
  await expect(app.page.locator('html')).toHaveAttribute('data-text-size', 'larger');
  await expect.poll(sizeOf).toBeCloseTo(before * 1.3, 3);
});

test('renaming, moving, presets and edits can be undone, and copying is shown @full', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  await chat.ready();
  await openReplies(app, chat, REPLIES.slice(0, 2));
  const row = chat.id('chat-item');
  await chat.chatMenu(row, 'chat-folder');
  await chat.id('folder-name').fill('Lists');
  await chat.id('folder-move').click();
  await expect(chat.id('toast')).toContainText('Chat moved to Lists');
  // By keyboard: notifications are the last part of the window.
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.keyboard.press('Shift+F6');
  await expect(chat.id('undo')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(chat.id('folder')).toHaveCount(0);

  await chat.openPanel('sampling');
  await chat.id('setting-preset').selectOption('Creative');
  await expect(chat.id('setting-temperature')).toHaveValue('1.10');
  await chat.id('undo').click();
  await expect(chat.id('setting-temperature')).toHaveValue('0.80');

  await chat.turnMenu(chat.lastReply, 'turn-edit');
  await chat.id('turn-editor-text').fill('Something else');
  await page.keyboard.press('Escape');
  await expect(chat.id('turn-editor')).toHaveCount(0);
  await chat.id('undo').click();
  await expect(chat.id('turn-editor-text')).toHaveValue('Something else');
  await chat.id('turn-editor-cancel').click();
  await page.getByRole('button', { name: 'Dismiss' }).click();

  await chat.turnMenu(chat.lastReply, 'copy-markdown');
  await expect(chat.id('toast')).toHaveText(/Answer copied/);
  // Over the sidebar, where it covers no text.
  const right = (locator: Locator) => locator.evaluate((element) => element.getBoundingClientRect().right);
  expect(await right(chat.id('toast'))).toBeLessThan(await right(page.locator('[data-region="sidebar"]')));

  await openReplies(app, chat, REPLIES.slice(0, 1));
  await expect(row).toHaveCount(2);
  await chat.id('chats-menu').click();
  await chat.id('delete-chats').click();
  await expect(chat.id('delete-chats-dialog')).toContainText('This deletes 2 chats');
  await expectNoViolationsIn(THEMES, page, 'delete all chats');
  await chat.id('confirm-delete-chats').click();
  await expect(row).toHaveCount(0);
  await chat.id('toast').filter({ hasText: '2 chats deleted' }).getByTestId('undo').click();
  await expect(row).toHaveCount(2);
});

test('the model is switched in the chat, also in a small window @full', async ({ app }) => {
  const chat = await new ChatPage(app.page).readyForShortReplies();
  await chat.id('sidebar-model').click();
  await expect(chat.id('switch-model')).toContainText('TinyTransformer');
  await expectNoViolations(app.page, 'model menu');
  await chat.id('switch-all').click();
  await expect(chat.id('model-card')).toBeVisible();
  await app.page.keyboard.press('Control+1');
  await app.page.setViewportSize({ width: 480, height: 700 });
  await chat.id('header-model').click();
  await expect(chat.id('switch-model')).toContainText('Loaded');
  await app.page.keyboard.press('Escape');
  await expectNothingCutOff(app.page, 'the chat at 480 px');
  await chat.id('open-palette').click();
  await expect(chat.id('palette-input')).toBeFocused();
  await app.page.keyboard.press('Escape');
  // At 400 px, the status bar has room for the rate, but not for the processor.
  await expect(chat.id('executor')).toBeVisible();
  await app.page.setViewportSize({ width: 400, height: 700 });
  await chat.ask('Hello');
  await expect(chat.id('engine-state')).toHaveText(/tok\/s$/);
  await expect(chat.id('executor')).toBeHidden();
  await expectNothingCutOff(app.page, 'the chat at 400 px');
});
