/** The text of a reply: its white space, and its tokens one by one. */
import { randomUUID } from 'node:crypto';
import { ChatPage } from './pages/chat.ts';
import { writeChat } from './support/long-chats.ts';
import { expect, test, type RunningApp } from './support/test.ts';

const CODE = [
  'def',
  ' f',
  '(x',
  '):\n',
  '    ',
  'if',
  ' x',
  ':',
  '\n       ',
  ' return',
  ' 1',
  '\n',
  '\tpass',
  '\n\n',
  'Done',
  '.',
];
const TEXT = CODE.join('');

/** Writes a chat whose reply is code, and opens it. */
async function openCode(app: RunningApp, chat: ChatPage, { details = false } = {}): Promise<void> {
  // Each chat has its own id, because one that was deleted after another test stays deleted.
  const id = randomUUID();
  await app.services.invoke('settingsSet', { rawReplies: true });
  await writeChat(app, { id, title: 'code', replies: [CODE], details });
  await chat.page.locator(`[data-chat-id="${id}"]`).click();
  await expect(chat.lastText).toContainText('return 1');
}

test('code keeps its white space on screen and on the clipboard', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  await chat.ready();
  await openCode(app, chat);
  expect(await chat.lastText.evaluate((body) => body.textContent)).toBe(TEXT);
  /** Distance in px from the left edge of the text to words in it. */
  const indents = () =>
    chat.lastText.evaluate((body) => {
      const left = body.getBoundingClientRect().left;
      return ['def', 'if', 'return', 'pass'].map((word) => {
        const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
          const at = (node as Text).data.indexOf(word);
          if (at < 0) continue;
          const range = document.createRange();
          range.setStart(node, at);
          range.setEnd(node, at + 1);
          return Math.round(range.getBoundingClientRect().left - left);
        }
        return NaN;
      });
    });
  const [none, one, two, tab] = await indents();
  expect(none).toBe(0);
  expect(one).toBeGreaterThan(10);
  expect(two).toBeGreaterThan(1.8 * one!);
  expect(tab).toBeGreaterThan(10);

  await chat.lastText.evaluate((body) => document.getSelection()?.selectAllChildren(body));
  await page.keyboard.press('ControlOrMeta+c');
  await chat.id('composer').focus();
  await page.keyboard.press('ControlOrMeta+v');
  await expect(chat.id('composer')).toHaveValue(TEXT);
  await chat.id('composer').fill('');

  await chat.id('view-tokens').click();
  await expect(chat.lastReply.getByTestId('token')).toHaveCount(CODE.length);
  expect(await indents()).toEqual([none, one, two, tab]);
  expect(await chat.lastText.evaluate((body) => body.textContent)).toBe(TEXT);
});

test('line ends and indents are tokens that can be reached by pointer and keys', async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { page } = app;
  await chat.ready();
  await openCode(app, chat, { details: true });
  await chat.id('view-tokens').click();
  const signs = chat.lastReply.locator('[data-sign]');
  await expect(signs.first()).toBeAttached();
  expect(await signs.evaluateAll((all) => all.map((sign) => sign.getAttribute('data-sign')).join(''))).toBe(
    '⏎····⏎·······⏎⇥⏎⏎',
  );

  // Spaces side by side are one sign, which has one ring.
  await expect(chat.lastReply.locator('[data-sign^="··"]').first()).toBeAttached();

  // The sign of a line end takes no space, but the pointer still finds it.
  const popover = chat.id('token-popover');
  const place = await chat.lastReply.locator('[data-sign="⏎"]').nth(2).boundingBox();
  expect(place!.width).toBe(0);
  await page.mouse.move(place!.x + 5, place!.y + place!.height / 2);
  await expect(popover).toBeVisible();
  await expect(popover).toHaveAttribute('aria-label', 'Token ⏎');
  // Its alternatives are read from disk.
  await expect(popover.getByRole('list', { name: 'Candidates' }).getByRole('listitem')).toHaveCount(10);
  await expect(popover).toContainText('rank 1');
  await expect(popover).toContainText('40 of 8,000 could be picked');
  await expect(popover).not.toContainText(/[ĠĊ▁]/);
  await page.mouse.move(0, 0);
  await expect(popover).toBeHidden();

  // With keys, the focus ring is on the sign and not on what follows it.
  await chat.lastText.focus();
  await page.keyboard.press('Home');
  for (let step = 0; step < 11; step++) await page.keyboard.press('ArrowRight');
  await expect(popover).toHaveAttribute('aria-label', 'Token ⏎');
  await expect(chat.lastReply.locator('.hot')).toHaveCount(1);
  await expect(chat.lastReply.locator('.hot')).toHaveAttribute('data-sign', '⏎');
  await expect(chat.lastReply.locator('.word')).toHaveCount(0);
  await page.keyboard.press('ArrowRight');
  await expect(chat.lastReply.locator('.word')).toHaveText('pass');
});
