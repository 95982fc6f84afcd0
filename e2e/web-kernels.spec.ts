/** The CPU kernels in pages that support only some of them, and a crash of one of their threads. */
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

const PROMPT = 'Hello world';
/** Greedy, the same on every executor and number of threads. */
const REPLY = '! How are you?';

async function ask(chat: ChatPage): Promise<{ text: string; reason: string | null }> {
  await chat.greedy();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 5);
  return chat.ask(PROMPT);
}

test('a page without shared memory computes on one thread, with the same reply', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  // Without this header a page is not isolated from others.
  await app.context.route('**/*', async (route) => {
    if (route.request().resourceType() !== 'document') return route.fallback();
    const response = await route.fetch();
    const headers = { ...response.headers() };
    delete headers['cross-origin-opener-policy'];
    delete headers['cross-origin-embedder-policy'];
    await route.fulfill({ response, headers });
  });
  await app.page.reload();
  await chat.ready();
  expect(await app.page.evaluate(() => crossOriginIsolated)).toBe(false);
  expect(await ask(chat)).toEqual({ text: REPLY, reason: 'max_tokens' });
  // A stop also works without shared memory.
  await chat.endless();
  await chat.send('Once upon a time, there was a little');
  await expect.poll(async () => ((await chat.lastText.textContent()) ?? '').length).toBeGreaterThan(20);
  await chat.id('stop').click();
  await chat.finished();
  await expect(chat.lastStop).toHaveAttribute('data-reason', 'user');
});

test('a killed thread fails the reply, but not the app', { tag: ['@alone', '@full'] }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  // The engine's own Worker starts the threads; this records them, so that the test can terminate them.
  const recordThreads = `{
    const Original = self.Worker;
    self.threads = [];
    self.Worker = class extends Original {
      constructor(...args) {
        super(...args);
        self.threads.push(this);
      }
    };
  }`;
  await app.context.route('**/engine.worker.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${recordThreads}\n${await response.text()}` });
  });
  await app.page.reload();
  await chat.ready();
  expect(await ask(chat)).toEqual({ text: REPLY, reason: 'max_tokens' });
  const ended = await app.page.workers()[0]!.evaluate(() => {
    const { threads } = self as unknown as { threads: Worker[] };
    for (const thread of threads) thread.terminate();
    return threads.length;
  });
  test.skip(ended === 0, 'This machine runs one thread at a time, so that the kernels start no other.');
  // The browser gives a Worker a few seconds to exit.
  const threads = () => app.page.workers().filter((worker) => worker.url().endsWith('/kernel-thread.js')).length;
  await expect.poll(threads).toBe(0);

  await chat.newChat();
  expect((await chat.ask('Once upon a time there was a little girl who liked to play')).reason).toBe('error');
  await expect(chat.id('error-card')).toContainText(/CPU kernel thread crashed/);
  // The page reloads the same model, with new threads.
  await chat.id('error-card').getByRole('button', { name: 'Try again' }).click();
  await expect(chat.lastStop).toHaveAttribute('data-reason', 'max_tokens');
  await chat.newChat();
  expect(await ask(chat)).toEqual({ text: REPLY, reason: 'max_tokens' });
});
