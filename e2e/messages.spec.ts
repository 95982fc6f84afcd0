/** Editing, branching and deleting messages; the map of a chat. */
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { secondPage } from './support/second-page.ts';
import { expect, test, type RunningApp } from './support/test.ts';

const ready = (app: RunningApp) => new ChatPage(app.page).readyForShortReplies();
const userTurns = (chat: ChatPage) => chat.id('user-turn');

test('a message and a reply are edited as other versions, deleted, restored and found on the map', async ({ app }) => {
  const chat = await ready(app);
  await chat.ask('The cat sat');
  await chat.ask('Then it');

  // Another version of the first message.
  await userTurns(chat).first().hover();
  await userTurns(chat).first().getByTestId('edit-turn').click();
  await expect(chat.id('turn-editor-text')).toHaveValue('The cat sat');
  await chat.id('turn-editor-text').fill('The dog ran');
  await chat.id('turn-editor-text').press('Enter');
  await expect(userTurns(chat)).toHaveCount(1);
  await expect(userTurns(chat).first().getByTestId('pager')).toContainText('2 / 2');
  await chat.finished();

  // A reply written by hand, which the model continues.
  await chat.lastReply.getByTestId('edit-reply').click();
  await chat.id('turn-editor-text').fill('It went to the park and');
  await chat.id('editor-continue').click();
  await expect(chat.lastReply.getByTestId('pager')).toContainText('2 / 2');
  await chat.finished();
  await expect(chat.lastText).toContainText('It went to the park and');
  await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('edited at token 1');

  // Deleted with a right click, and back.
  const menu = app.page.getByRole('menu');
  await chat.lastText.click({ button: 'right' });
  await expect(menu).toHaveAccessibleName('More actions for this reply');
  await chat.id('turn-delete').click();
  await expect(chat.lastText).not.toContainText('It went to the park');
  await app.page.getByRole('button', { name: 'Undo' }).click();
  await expect(chat.lastText).toContainText('It went to the park and');

  // Selected text has the native menu, which an event of the page does not open.
  await chat.lastText.selectText();
  const isLeft = await chat.lastText.evaluate((text) =>
    text.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true })),
  );
  expect(isLeft).toBe(true);
  await expect(menu).toHaveCount(0);
  await app.page.evaluate(() => document.getSelection()?.empty());

  // The map leads back to the first branch.
  await chat.id('open-map').click();
  await expect(chat.id('map-segment')).toHaveCount(4);
  await expectNoViolations(app.page, 'map of a chat');
  await chat.id('map-segment').first().click();
  await expect(userTurns(chat)).toHaveCount(2);
  await expect(userTurns(chat).first()).toContainText('The cat sat');

  await app.restart();
  const after = new ChatPage(app.page);
  await after.ready();
  await expect(after.id('user-turn').first().getByTestId('pager')).toContainText('1 / 2');
});

test('everything about a message works with the keyboard alone', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  const { keyboard } = app.page;
  await chat.ask('The cat sat');
  await app.page.locator('[data-region="thread"]').focus();
  await keyboard.press('ArrowUp');
  await expect(chat.lastReply).toBeFocused();
  await keyboard.press('Shift+F10');
  await expect(chat.id('run-again')).toBeFocused();
  await keyboard.press('Escape');
  await expect(chat.lastReply).toBeFocused();
  await keyboard.press('ArrowUp');
  await expect(userTurns(chat).first()).toBeFocused();
  await keyboard.press('Shift+F10');
  await expect(chat.id('turn-answer')).toBeFocused();
  await keyboard.press('Escape');
  await expect(userTurns(chat).first()).toBeFocused();
  await keyboard.press('e');
  await expect(chat.id('turn-editor-text')).toBeFocused();
  await keyboard.type(' down');
  await keyboard.press('Enter');
  await expect(userTurns(chat).first()).toContainText('The cat sat down');
  await chat.finished();
  await userTurns(chat).first().focus();
  await keyboard.press('Alt+ArrowLeft');
  await expect(userTurns(chat).first().getByTestId('pager')).toContainText('1 / 2');
  await expect(userTurns(chat).first()).toBeFocused();
  await keyboard.press('Alt+ArrowRight');
  await expect(userTurns(chat).first().getByTestId('pager')).toContainText('2 / 2');
  await expect(userTurns(chat).first()).toBeFocused();
  await keyboard.press('e');
  await expect(chat.id('turn-editor-text')).toBeFocused();
  await keyboard.type('not sent');
  await keyboard.press('Escape');
  await expect(userTurns(chat).first()).toBeFocused();
  await keyboard.press('Delete');
  await expect(userTurns(chat).first()).toHaveText(/The cat sat\s*$/);

  // Sent with Control and Enter, where Enter starts a new line.
  await chat.id('open-settings').click();
  await chat.id('setting-send-with').getByRole('radio', { name: 'Ctrl Enter' }).click();
  await keyboard.press('Escape');
  await expect(chat.id('send')).toContainText('Ctrl Enter');
  await chat.id('composer').fill('One');
  await keyboard.press('Enter');
  await keyboard.type('Two');
  await expect(chat.id('composer')).toHaveValue('One\nTwo');
  await keyboard.press('Control+Enter');
  await expect(userTurns(chat).last()).toContainText('One Two');
  await chat.finished();
  await userTurns(chat).last().focus();
  await keyboard.press('e');
  await expect(chat.id('turn-editor-text')).toBeFocused();
  await keyboard.press('Enter');
  await keyboard.type('Three');
  await expect(chat.id('turn-editor-text')).toHaveValue('One\nTwo\nThree');
  await expect(chat.id('editor-send')).toContainText('Ctrl Enter');
  await keyboard.press('Control+Enter');
  await expect(userTurns(chat).last()).toContainText('One Two Three');
  await chat.finished();
  await userTurns(chat).last().focus();
  await keyboard.press('?');
  const newLine = chat.id('shortcuts').getByText('New line', { exact: true }).locator('..');
  await expect(newLine).toHaveText(/New line\s*Enter/);
});

test('the focus stays in the turn whose control has gone', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  const { keyboard } = app.page;
  await chat.set('ignoreEos', true);
  await chat.ask('The cat sat');
  await chat.ask('Then it');
  await chat.turnMenu(chat.replies.first(), 'turn-branch');
  await expect(chat.id('composer')).toBeFocused();
  await chat.id('later-messages').getByRole('button').focus();
  await keyboard.press('Enter');
  await expect(userTurns(chat)).toHaveCount(2);
  await expect(chat.lastReply).toBeFocused();

  const pager = chat.lastReply.getByTestId('pager');
  for (const version of [2, 3]) {
    await chat.lastReply.getByTestId('regenerate').focus();
    await keyboard.press('Enter');
    await expect(pager).toContainText(`${version} / ${version}`);
    await expect(chat.lastReply).toBeFocused();
    await chat.finished();
  }
  // An arrow keeps it until there is no further version.
  const previous = chat.lastReply.getByRole('button', { name: 'Previous version' });
  await previous.focus();
  await keyboard.press('Enter');
  await expect(pager).toContainText('2 / 3');
  await expect(previous).toBeFocused();
  await keyboard.press('Enter');
  await expect(pager).toContainText('1 / 3');
  await expect(chat.lastReply).toBeFocused();
  await chat.lastReply.getByTestId('continue').focus();
  await keyboard.press('Enter');
  await expect(chat.lastReply).toBeFocused();
  await chat.finished();

  // A message without a reply.
  await chat.ask('And then');
  await chat.lastReply.focus();
  await keyboard.press('Delete');
  await expect(app.page.locator('[data-region="thread"]')).toBeFocused();
  await chat.id('generate-reply').focus();
  await keyboard.press('Enter');
  await expect(userTurns(chat).last()).toBeFocused();
  await chat.finished();
});

test('a reply is generated with another preset, or written by hand', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.ask('The cat sat');
  await chat.lastReply.getByTestId('reply-menu').click();
  await chat.id('regenerate-with').hover();
  await chat.id('regenerate-deterministic').click();
  await expect(chat.lastReply.getByTestId('pager')).toContainText('2 / 2');
  await chat.finished();
  await chat.turnMenu(userTurns(chat).first(), 'turn-write');
  await chat.id('turn-editor-text').fill('On the mat.');
  await chat.id('turn-editor-text').press('Control+Enter');
  await expect(chat.lastText).toHaveText('On the mat.');
  await expect(chat.lastStop).toHaveText('Written by you');
  await chat.turnMenu(chat.lastReply, 'turn-delete');
  await expect(chat.lastReply.getByTestId('pager')).toContainText('2 / 2');
});

test(
  'a branch continues from an earlier reply, and later messages are one click away',
  { tag: '@full' },
  async ({ app }) => {
    const chat = await ready(app);
    await chat.ask('One day');
    await chat.ask('Then it');
    await chat.turnMenu(chat.replies.first(), 'turn-branch');
    await expect(userTurns(chat)).toHaveCount(1);
    await expect(chat.id('later-messages')).toContainText('1 branch');
    await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'end of a branch');
    await chat.ask('But then');
    await expect(userTurns(chat).last().getByTestId('pager')).toContainText('2 / 2');
  },
);

test('a message is copied as text and as Markdown', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await app.page.evaluate(() => {
    Object.defineProperty(navigator, 'clipboard', {
      value: { writeText: (text: string) => Promise.resolve((document.title = text)) },
    });
  });
  // An empty reply has nothing to copy.
  await chat.set('ignoreEos', true);
  await chat.ask('Some **bold** `code`');
  await chat.turnMenu(userTurns(chat).first(), 'copy-text');
  // What a person types is not Markdown.
  await expect(app.page).toHaveTitle('Some **bold** `code`');
  await app.page.evaluate(() => (document.title = ''));
  await chat.turnMenu(userTurns(chat).first(), 'copy-markdown');
  await expect(app.page).toHaveTitle('Some **bold** `code`');
  await chat.lastReply.getByTestId('copy').click();
  await expect(chat.lastReply.getByTestId('copy')).toHaveAttribute('data-copied', 'true');
});

test('a running reply that is deleted stops, and its text comes back', { tag: '@full' }, async ({ app }) => {
  const chat = await ready(app);
  await chat.endless();
  await chat.send('The cat sat');
  await expect(chat.lastText).not.toBeEmpty();
  await chat.turnMenu(userTurns(chat).first(), 'turn-delete');
  await expect(chat.id('send')).toBeVisible();
  await expect(userTurns(chat)).toHaveCount(0);
  await app.page.getByRole('button', { name: 'Undo' }).click();
  await expect(chat.lastText).not.toBeEmpty();
  await expect(chat.lastStop).toHaveAttribute('data-reason', 'user');
});

test(
  'a message is edited while another page answers in the same chat',
  { tag: ['@full', '@services'] },
  async ({ app, openChromium }) => {
    const chat = await ready(app);
    await chat.ask('The cat sat');
    await chat.endless();
    const second = await secondPage(app, await openChromium());
    const other = new ChatPage(second.page);
    await other.ready();
    await other.id('chat-item').first().click();
    await other.endless();
    await other.send('Then it');
    await expect(userTurns(chat)).toHaveCount(2);
    await userTurns(chat).first().hover();
    await userTurns(chat).first().getByTestId('edit-turn').click();
    await chat.id('turn-editor-text').fill('The dog ran');
    await chat.id('turn-editor-text').press('Enter');
    await expect(chat.lastText).not.toBeEmpty();
    await chat.id('stop').click();
    await chat.finished();
    await other.page.keyboard.press('Escape');
    await other.finished();
    await expect(other.id('user-turn')).toHaveCount(2);
    await expect(chat.id('user-turn').first().getByTestId('pager')).toContainText('2 / 2');
    await second.close();
  },
);
