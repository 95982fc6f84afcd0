/** An idle app uses no CPU time, though kernel threads wait for the next reply. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ChatPage } from './pages/chat.ts';
import { engineCpuSeconds } from './support/cpu-time.ts';
import { expect, test, type RunningApp } from './support/test.ts';

/** Until the page has collected the garbage of the reply. */
const SETTLE_MS = 5000;
/** The system counts in ticks of 10 ms: a hundredth of this is ten of them. */
const MEASURED_MS = 10_000;
const WINDOWS = 4;

// The unit tests measure the same engine outside of the app in every run.
test(
  'after a reply the engine takes less than a hundredth of one core',
  { tag: ['@alone', '@full'] },
  async ({ app }) => {
    test.slow();
    const chat = new ChatPage(app.page);
    await chat.ready();
    await chat.greedy();
    const atFirst = await engineCpuSeconds(app);
    // Long enough for all threads to share the prefill.
    expect((await chat.ask('Once upon a time there was a little girl who liked to play')).reason).toBe('repetition');
    expect(await engineCpuSeconds(app)).toBeGreaterThan(atFirst);
    // The page's process draws a blinking caret.
    await app.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await sleep(SETTLE_MS);
    // A page may still collect garbage in one window; something that never sleeps uses all of each.
    await expect.poll(() => shareOfCore(app), { timeout: WINDOWS * MEASURED_MS, intervals: [0] }).toBeLessThan(0.01);
  },
);

async function shareOfCore(app: RunningApp): Promise<number> {
  const before = await engineCpuSeconds(app);
  const started = performance.now();
  await sleep(MEASURED_MS);
  const seconds = (await engineCpuSeconds(app)) - before;
  const share = seconds / ((performance.now() - started) / 1000);
  console.info(`${(100 * share).toFixed(2)} % of one core`);
  return share;
}
