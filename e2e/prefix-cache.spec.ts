/** K and V of chats outlive the app: a chat that is opened again after a restart computes only what is new. */
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

/** Longer than a stored block. */
const LONG = Array.from({ length: 24 }, (_, i) => `Once upon a time there was a cat with ${i} hats.`).join(' ');

// The engine ends with the process.
test.use({ freshApp: true });

test('a chat goes on from stored keys and values after a restart, until they are cleared', async ({ app }) => {
  let chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 4);
  await chat.ask(LONG);
  await chat.id('open-settings').click();
  const size = chat.id('prefix-cache-size');
  await expect(size).toContainText(/In memory: [\d.]+\s\w+ for the loaded model/);
  await chat.page.keyboard.press('Escape');
  // Written in the background.
  await expect(async () => {
    await chat.id('open-settings').click();
    await expect(size).not.toHaveAttribute('data-bytes', '0', { timeout: 500 });
  }).toPass();
  await chat.page.keyboard.press('Escape');

  await app.restart();
  chat = new ChatPage(app.page);
  await chat.ready();
  await chat.ask('And a dog.');
  await chat.openPanel('context');
  await expect(chat.page.getByText(/The last reply reused \d+\stokens of its prompt/)).toBeVisible();

  await chat.id('open-settings').click();
  await chat.id('clear-prefix-cache').click();
  await expect(chat.id('prefix-cache-size')).toHaveAttribute('data-bytes', '0');
  await expect(chat.id('clear-prefix-cache')).toBeDisabled();
});
