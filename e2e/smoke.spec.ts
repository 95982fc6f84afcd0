import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

test('a prompt gets a streamed reply with a stop reason', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.send('Hello world');
  await expect(chat.id('user-turn')).toContainText('Hello world');
  await chat.finished();
  await expect(chat.id('stop-reason')).toHaveAttribute('data-reason', /^(eos|max_tokens|repetition)$/);
  await expect(chat.id('reply-text')).not.toBeEmpty();
  await expect(chat.id('reply-stats')).toContainText('tok/s');
});
