/** A crash of a CPU kernel thread in the app; `web-kernels.spec.ts` covers the browser. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { expect, test, type RunningApp } from './support/test.ts';

/** A prompt of this length is always shared by all threads. */
const PROMPT = 'Once upon a time there was a little girl who liked to play';

/**
 * Restarts the engine's process with a test script in each of its threads: the engine's own terminates the threads that
 * it started when the file `end` appears, and writes their number to `ended`. Resolves when the page knows that the old
 * process is gone.
 */
async function restartWithHook(app: RunningApp, end: string, ended: string): Promise<void> {
  const hook = join(app.dataDir, 'hook.cjs');
  await writeFile(
    hook,
    `const threads = require('node:worker_threads');
    const { existsSync, rmSync, writeFileSync } = require('node:fs');
    const { syncBuiltinESMExports } = require('node:module');
    const started = [];
    if (!threads.isMainThread) {
      threads.Worker = class extends threads.Worker {
        constructor(...args) {
          super(...args);
          started.push(this);
        }
      };
      syncBuiltinESMExports();
      setInterval(async () => {
        if (started.length === 0 || !existsSync(${JSON.stringify(end)})) return;
        rmSync(${JSON.stringify(end)});
        await Promise.all(started.map((thread) => thread.terminate()));
        writeFileSync(${JSON.stringify(ended)}, String(started.length));
      }, 20).unref();
    }`,
  );
  await app.electron?.evaluate((_electron, script) => {
    process.env.NODE_OPTIONS = `--require=${script}`;
  }, hook);
  // Watched from before: the next process may be ready between two looks of an assertion.
  const gone = app.page.waitForFunction(
    () => document.querySelector('[data-testid="engine-state"]:not([data-state="ready"])') !== null,
    undefined,
    { timeout: 10_000 },
  );
  await app.killEngine();
  await gone;
}

// The engine's process gets a test script.
test.use({ freshApp: true });

test('a killed thread fails the reply, but not the app', { tag: ['@alone', '@full'] }, async ({ app, dataDir }) => {
  const threads = await app.page.evaluate(() => navigator.hardwareConcurrency);
  test.skip(threads < 2, 'This machine runs one thread at a time, so that the kernels start no other.');
  const [end, ended] = [join(dataDir, 'end'), join(dataDir, 'ended')];
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.greedy();
  const before = await chat.ask(PROMPT);
  expect(before.reason).toBe('repetition');

  await restartWithHook(app, end, ended);
  await chat.ready();
  await chat.newChat();
  expect(await chat.ask(PROMPT)).toEqual(before);
  // The sampling panel requests previews, and would notice the crash before the reply.
  await chat.openPanel('stop');
  await writeFile(end, '');
  await expect.poll(() => existsSync(ended)).toBe(true);
  expect(Number(await readFile(ended, 'utf8'))).toBeGreaterThan(0);

  await chat.newChat();
  // Another prefix, because a cached one would not be prefilled again.
  expect((await chat.ask('The cat sat on the mat and looked at the big red ball')).reason).toBe('error');
  await expect(chat.id('error-card')).toContainText(/CPU kernel thread crashed/);
  // The page reloads the same model.
  await chat.id('error-card').getByRole('button', { name: 'Try again' }).click();
  await expect(chat.lastStop).toHaveAttribute('data-reason', 'eos');
  await chat.newChat();
  expect(await chat.ask(PROMPT)).toEqual(before);
});

// Another three seconds until the thread counts as lost.
test('a thread killed during a reply leaves its text', { tag: ['@alone', '@full'] }, async ({ app, dataDir }) => {
  const threads = await app.page.evaluate(() => navigator.hardwareConcurrency);
  test.skip(threads < 2, 'This machine runs one thread at a time, so that the kernels start no other.');
  const [end, ended] = [join(dataDir, 'end'), join(dataDir, 'ended')];
  const chat = new ChatPage(app.page);
  await chat.ready();
  await restartWithHook(app, end, ended);
  await chat.ready();
  // Without the cache, the threads share every token.
  await chat.endless();
  await chat.newChat();
  await chat.send(PROMPT);
  const length = async () => ((await chat.lastText.textContent()) ?? '').length;
  await expect.poll(length).toBeGreaterThan(100);
  await writeFile(end, '');
  await expect(chat.id('error-card')).toContainText(/after \d+ tokens/);
  const written = (await chat.lastText.textContent()) ?? '';
  await chat.id('error-card').getByTestId('continue').click();
  await expect.poll(length).toBeGreaterThan(written.length + 100);
  await chat.id('stop').click();
  expect((await chat.finished()).reason).toBe('user');
  expect(await chat.lastText.textContent()).toContain(written);
});
