/** A reply that another window generates: the page shows it grow, and leaves its engine, a Worker of its own, alone. */
import { ChatPage } from './pages/chat.ts';
import { SAMPLE, streamReply } from './support/markdown.ts';
import { expect, test } from './support/test.ts';

/** Requests that were made before the reply grew are sent when none was sent for so long, ms. */
const SETTLED_MS = 600;
/** Guards against hanging, ms. */
const TIMEOUT_MS = 30_000;

interface Watched extends Window {
  sentToEngine: unknown[];
}

test('a reply that grows in another window asks the engine for nothing', { tag: '@full' }, async ({ app }) => {
  test.setTimeout(180_000);
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
  const sentCount = () => app.page.evaluate(() => (window as unknown as Watched).sentToEngine.length);
  for (const tab of ['sampling', 'prompt', 'context'] as const) {
    await stream.at(100, 0.2);
    await chat.openPanel(tab);
    let count = Number.NaN;
    const sentSince = async () => {
      const last = count;
      count = await sentCount();
      return count - last;
    };
    await expect.poll(sentSince, { intervals: [SETTLED_MS], timeout: TIMEOUT_MS }).toBe(0);
    await app.page.evaluate(() => {
      (window as unknown as Watched).sentToEngine.length = 0;
    });
    let grown = 0;
    const grow = async () => (grown += await stream.at(100, 0.5));
    await expect.poll(grow, { timeout: TIMEOUT_MS }).toBeGreaterThan(50);
    await app.page.waitForTimeout(SETTLED_MS);
    const sent = await app.page.evaluate(() => (window as unknown as Watched).sentToEngine);
    expect(sent, `while the panel shows ${tab}`).toEqual([]);
  }
  await expect(chat.lastReply).toContainText('generating in another window');
});
