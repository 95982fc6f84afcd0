/** A reply that another window generates: the page shows it grow, and leaves its engine, a Worker of its own, alone. */
import { ChatPage } from './pages/chat.ts';
import { SAMPLE, streamReply } from './support/markdown.ts';
import { expect, test } from './support/test.ts';

/** Requests that were made before the reply grew are sent by then, ms. */
const SETTLED_MS = 600;

test('a reply that grows in another window asks the engine for nothing', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const stream = await streamReply(app, chat, SAMPLE.repeat(3));
  await app.page.evaluate(() => {
    const worker = (window as unknown as { engineWorkers: Worker[] }).engineWorkers.at(-1)!;
    const sent: unknown[] = [];
    const post = worker.postMessage.bind(worker) as (message: unknown) => void;
    worker.postMessage = (message: unknown) => {
      sent.push(message);
      post(message);
    };
    Object.assign(window, { sentToEngine: sent });
  });
  for (const tab of ['sampling', 'prompt', 'context'] as const) {
    await stream.at(100, 0.2);
    await chat.openPanel(tab);
    await app.page.waitForTimeout(SETTLED_MS);
    await app.page.evaluate(() => {
      (window as unknown as { sentToEngine: unknown[] }).sentToEngine.length = 0;
    });
    expect(await stream.at(100, 1)).toBeGreaterThan(50);
    await app.page.waitForTimeout(SETTLED_MS);
    const sent = await app.page.evaluate(() => (window as unknown as { sentToEngine: unknown[] }).sentToEngine);
    expect(sent, `while the panel shows ${tab}`).toEqual([]);
  }
  await expect(chat.lastReply).toContainText('generating in another window');
});
