/**
 * Chats for minutes in the browser and prints the memory of all processes.
 *
 *     npx tsx e2e/measure/soak.ts [--minutes 10] [--model FILE.gguf]
 *
 * Without --model the built-in model answers, which is fast and so fills chats fastest. A new chat every 30 replies.
 * "In use" is what the page, its workers and their WebAssembly memory hold, by the browser's own count. The resident
 * memory has Chromium's caches on top, and what DevTools keeps of network traffic because a test drives the page: the
 * last row is after Chromium was told that memory is short.
 */
import { chromium, expect } from '@playwright/test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium } from '../../scripts/lib/chromium.ts';
import { ChatPage } from '../pages/chat.ts';
import { ModelsPage } from '../pages/models.ts';
import type { RunningApp } from '../support/app.ts';
import { prepareScript } from '../support/display.ts';
import { Guard } from '../support/guard.ts';
import { engineMemory } from '../support/memory.ts';
import { processTree } from '../support/processes.ts';
import { launchWebApp } from '../support/web-app.ts';

const REPLIES_PER_CHAT = 30;
const { values } = parseArgs({ options: { minutes: { type: 'string' }, model: { type: 'string' } } });
const minutes = Number(values.minutes ?? 10);

const stopDisplay = await prepareScript();
const chromiumPath = findChromium();
if (chromiumPath === null)
  throw new Error('No Chromium found: "npx tsx scripts/system-packages.ts" says how to get one.');
const args = ['--enable-blink-features=ForceEagerMeasureMemory'];
const browser = await chromium.launch({ executablePath: chromiumPath, args });
const dataDir = await mkdtemp(join(tmpdir(), 'tokenscope-soak-'));
const guard = new Guard();
const app = await launchWebApp(browser, { dataDir, guard });
try {
  const chat = new ChatPage(app.page);
  // Thirty replies do not fit in a window.
  await app.services.invoke('settingsSet', { whenFull: 'shift' });
  await chat.ready();
  if (values.model !== undefined) {
    const models = new ModelsPage(app);
    await models.show();
    await models.open(values.model);
    await models.id('load-model').first().waitFor();
    await models.load((await models.id('detail-name').textContent()) ?? '');
    await app.page.keyboard.press('Control+1');
    await chat.ready();
  }
  console.log(
    '| Minute | Replies | Tokens | Page and engine, MB | In use, MB | Page heap, MB | Host, MB | Handles of the host |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  let replies = 0;
  for (let minute = 0; minute <= minutes; minute++) {
    await report(app, String(minute), replies);
    if (minute === minutes) break;
    // Chromium may take a minute to count what is in use.
    const end = Date.now() + 60_000;
    while (Date.now() < end) {
      const inChat = replies % REPLIES_PER_CHAT;
      if (inChat === 0) await chat.newChat();
      await chat.send(`Once upon a time, number ${replies}`);
      // By turn number, because only part of a long chat is in the page.
      const reply = app.page.locator(`[data-testid=reply][aria-posinset="${2 * (inChat + 1)}"]`);
      await expect(reply.getByTestId('stop-reason')).toHaveAttribute('data-reason', /.+/, { timeout: 60_000 });
      replies++;
    }
  }
  await releaseCaches(app);
  await report(app, 'short of memory', replies);
  const problems = guard.problems();
  console.log(problems.length === 0 ? 'No errors.' : problems.join('\n'));
} finally {
  await app.close();
  await browser.close();
  await rm(dataDir, { recursive: true, force: true });
  stopDisplay();
}

async function releaseCaches(app: RunningApp): Promise<void> {
  const session = await app.context.newCDPSession(app.page);
  await session.send('Memory.simulatePressureNotification', { level: 'critical' });
  await session.detach();
  await app.page.waitForTimeout(5000);
}

/** Bytes that the page, its workers and their WebAssembly memory hold. */
async function bytesInUse({ page }: RunningApp): Promise<number> {
  return await page.evaluate(async () => {
    const measured = (performance as { measureUserAgentSpecificMemory?: () => Promise<{ bytes: number }> })
      .measureUserAgentSpecificMemory;
    return (await measured?.call(performance))?.bytes ?? Number.NaN;
  });
}

async function report(app: RunningApp, minute: string, replies: number): Promise<void> {
  const session = await app.context.newCDPSession(app.page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  const host = await hostPid();
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${host}/status`, 'utf8'))?.[1];
  const handles = /^FDSize:\s+(\d+)$/m.exec(await readFile(`/proc/${host}/status`, 'utf8'))?.[1];
  const tokens = await countTokens(app);
  const mb = (bytes: number) => (bytes / 1e6).toFixed(0);
  console.log(
    `| ${minute} | ${replies} | ${tokens} | ${mb(await engineMemory(app))} | ${mb(await bytesInUse(app))} | ${mb(usedSize)} | ${mb(Number(rss) * 1024)} | ${handles} |`,
  );
}

async function countTokens(app: RunningApp): Promise<number> {
  let tokens = 0;
  for (const { id } of await app.services.invoke('chatsList')) {
    const chat = await app.services.invoke('chatGet', id);
    for (const turn of chat?.turns ?? []) if (turn.role === 'assistant') tokens += turn.tokens.ids.length;
  }
  return tokens;
}

async function hostPid(): Promise<number> {
  for (const pid of await processTree(process.pid)) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes('web-host.js')) return pid;
  }
  throw new Error('The web host does not run.');
}
