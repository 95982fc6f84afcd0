/** The web host stops and restarts while its page stays open. */
import { once } from 'node:events';
import { ChatPage } from './pages/chat.ts';
import { Guard } from './support/guard.ts';
import { expect, test } from './support/test.ts';
import { startServer, stopServer } from './support/web-app.ts';
import { signedInAddress } from './support/web-key.ts';

// One test starts the host itself.
test.use({ freshApp: true });

test('after a restart of the host its page continues: same key, lists and chats read again @full', async ({
  openChromium,
  dataDir,
}) => {
  const guard = new Guard();
  // While the host is away the browser reports each attempt.
  guard.allow(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE/);
  let server = await startServer({ dataDir });
  const context = await (await openChromium()).newContext();
  guard.watch(context, server.origin);
  try {
    const page = await context.newPage();
    const chat = new ChatPage(page);
    await page.goto(await signedInAddress(server.origin, dataDir));
    await chat.ready();
    await chat.openPanel('stop');
    await chat.set('maxTokens', 5);
    await chat.ask('Hello world');
    await expect(chat.id('chat-item')).toHaveCount(1);
    await page.evaluate(() => Object.assign(window, { sameDocument: true }));

    server.child.kill('SIGKILL');
    await once(server.child, 'exit');
    await expect(chat.id('host-away')).toHaveText(
      'Tokenscope has stopped. Start it again from the terminal. This page will reconnect.',
    );
    server = await startServer({ dataDir }, Number(new URL(server.origin).port));
    await expect(chat.id('host-away')).toBeHidden();
    expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);

    // Calls and events work: another tab sees this one's changes, and vice versa.
    await chat.newChat();
    await chat.ask('The cat sat on the');
    await expect(chat.id('chat-item')).toHaveCount(2);
    const other = await context.newPage();
    await other.goto(await signedInAddress(server.origin, dataDir));
    const second = new ChatPage(other);
    await second.ready();
    await expect(second.id('chat-item')).toHaveCount(2);
    await second.newChat();
    await second.ask('Once upon a time');
    await expect(chat.id('chat-item')).toHaveCount(3);
  } finally {
    await context.close();
    await stopServer(server.child);
  }
  expect(guard.problems()).toEqual([]);
});

test('a host that shuts down lets its page save the running reply first @full', async ({ openChromium, dataDir }) => {
  const server = await startServer({ dataDir });
  const context = await (await openChromium()).newContext();
  let next: typeof server | null = null;
  try {
    const page = await context.newPage();
    const chat = new ChatPage(page);
    await page.goto(await signedInAddress(server.origin, dataDir));
    await chat.ready();
    await chat.endless();
    await chat.send('Once upon a time, there was a little');
    await expect.poll(async () => ((await chat.lastText.textContent()) ?? '').length).toBeGreaterThan(200);
    const shown = ((await chat.lastText.textContent()) ?? '').trim();
    const exited = once(server.child, 'exit');
    server.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await page.close();

    next = await startServer({ dataDir });
    const again = await context.newPage();
    await again.goto(await signedInAddress(next.origin, dataDir));
    await expect(new ChatPage(again).lastText).toContainText(shown);
  } finally {
    await context.close();
    await stopServer(server.child);
    if (next !== null) await stopServer(next.child);
  }
});

test('seven tabs work, and another one reads the events when the first is closed @full', async ({
  openChromium,
  dataDir,
}) => {
  // Each loads the model.
  test.setTimeout(180_000);
  const server = await startServer({ dataDir });
  const context = await (await openChromium()).newContext();
  try {
    const tabs: ChatPage[] = [];
    // Browsers open six connections to a host at most.
    while (tabs.length < 7) {
      const chat = new ChatPage(await context.newPage());
      await chat.page.goto(await signedInAddress(server.origin, dataDir));
      await chat.ready();
      tabs.push(chat);
    }
    const [first, second, ...others] = tabs;
    const last = await others.at(-1)!.readyForShortReplies();
    await last.ask('Hello world');
    for (const tab of tabs) await expect(tab.id('chat-item')).toHaveCount(1);

    await first.page.close();
    await last.newChat();
    await last.ask('Once upon a time');
    await expect(second.id('chat-item')).toHaveCount(2);
  } finally {
    await context.close();
    await stopServer(server.child);
  }
});
