/** K and V of chats outlive the app: a chat that is opened again after a restart computes only what is new. */
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

/** Longer than a stored block. It repeats itself, so that tokens are drafted. */
const LONG = Array.from({ length: 24 }, (_, i) => `Once upon a time there was a cat with ${i} hats.`).join(' ');
const BLOCK_TOKENS = 64;

// The engine ends with the process.
test.use({ freshApp: true });

test(
  'a chat continues from stored keys and values after a restart, until it is deleted',
  { tag: '@full' },
  async ({ app }) => {
    // The panel stays open. Another one would request the next token, and so compute the prompt before the reply does.
    let chat = await new ChatPage(app.page).readyForShortReplies();
    await chat.ask(LONG);
    await expectStored(chat, true);

    // A browser keeps its database and loses its engine with the page; the test's own restart is another browser.
    const reopened = async () => {
      await (app.host === 'web' ? app.page.reload() : app.restart());
      chat = new ChatPage(app.page);
      await chat.ready();
    };
    await reopened();
    await chat.ask('And a dog.');
    await chat.openPanel('context');
    const reused = chat.page.getByText(/The last reply reused \d+\stokens of its prompt/);
    await expect(reused).toBeVisible();
    const tokens = Number(/\d+/.exec((await reused.textContent()) ?? '')?.[0]);
    expect(tokens).toBeGreaterThan(0);
    expect(tokens % BLOCK_TOKENS).toBe(0);
    const sentence = (await reused.textContent()) ?? '';
    await reopened();
    await chat.openPanel('context');
    await expect(chat.page.getByText(sentence.trim())).toBeVisible();

    await chat.chatMenu(chat.id('chat-item'), 'chat-delete');
    await expectStored(chat, false);

    await chat.ask(LONG);
    await expectStored(chat, true);
    await chat.id('open-settings').click();
    await chat.id('clear-prefix-cache').click();
    await expect(chat.id('prefix-cache-size')).toHaveAttribute('data-bytes', '0');
    await expect(chat.id('clear-prefix-cache')).toBeDisabled();
  },
);

test('nothing is stored when the prefix cache is off', { tag: '@full' }, async ({ app }) => {
  const chat = await new ChatPage(app.page).readyForShortReplies();
  await chat.ask(LONG);
  await expectStored(chat, true);
  await chat.id('open-settings').click();
  await chat.id('setting-store-prefix').click();
  await expect(chat.id('prefix-cache-size')).toHaveAttribute('data-bytes', '0');
  await expect(chat.id('prefix-cache-size')).toContainText(/In memory: [\d.]+\s\w+ for the loaded model/);
  await chat.page.keyboard.press('Escape');
  await chat.newChat();
  await chat.ask(`${LONG} The end.`);
  // Blocks are written within milliseconds of a reply.
  await chat.page.waitForTimeout(500);
  await expectStored(chat, false);
});

test('a reply says how many drafted tokens it took, unless speculation is off', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.greedy();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 60);
  await chat.set('ignoreEos', true);
  await chat.set('repetitionWindow', 0);
  const { text } = await chat.ask(LONG);
  const footer = chat.lastReply.getByTestId('reply-stats');
  await expect(footer).toContainText(/drafted \d+\s*accepted \d+/);
  await chat.openPanel('rate');
  await expect(chat.id('speculation')).toHaveText(/^\d+ of \d+\sdrafted tokens? accepted\.$/);
  await chat.set('speculate', false);
  await expect(chat.page.getByText('Off: tokens are computed one by one.')).toBeVisible();
  await chat.newChat();
  expect((await chat.ask(LONG)).text).toBe(text);
  await expect(footer).not.toContainText('drafted');
  await expect(chat.id('speculation')).toHaveCount(0);
});

/** Opens the settings until they show that something is stored, or nothing: it is written in the background. */
async function expectStored(chat: ChatPage, isStored: boolean): Promise<void> {
  await expect(async () => {
    await chat.id('open-settings').click();
    try {
      const size = chat.id('prefix-cache-size');
      await expect(size).toContainText('On disk');
      expect((await size.getAttribute('data-bytes')) !== '0').toBe(isStored);
    } finally {
      await chat.page.keyboard.press('Escape');
    }
  }).toPass();
}
