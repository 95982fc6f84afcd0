/**
 * Measures what a reply costs the page while it streams as Markdown:
 *
 *     npx tsx e2e/measure/markdown.ts [electron|web] [tokens per second] [seconds]
 *
 * The tokens arrive as another window's do, so that no engine runs. CPU time is that of the page's process, with its
 * Worker and the compositor's threads, as a share of one core.
 */
import { chromium } from '@playwright/test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from '../../scripts/lib/chromium.ts';
import { ChatPage } from '../pages/chat.ts';
import type { Host, RunningApp } from '../support/app.ts';
import { prepareScript } from '../support/display.ts';
import { launchElectronApp } from '../support/electron-app.ts';
import { Guard } from '../support/guard.ts';
import { SAMPLE, streamReply } from '../support/markdown.ts';
import { launchWebApp } from '../support/web-app.ts';

const TICKS_PER_SECOND = 100;
const [rate = 200, seconds = 20] = process.argv.slice(2).map(Number).filter(Number.isFinite);

async function main(): Promise<void> {
  const hosts = (['electron', 'web'] as const).filter((host) => process.argv.includes(host));
  const stop = await prepareScript();
  try {
    for (const host of hosts.length > 0 ? hosts : (['electron', 'web'] as const)) await measureHost(host);
  } finally {
    stop();
  }
}

async function measureHost(host: Host): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tokenscope-measure-'));
  const browser = host === 'web' ? await chromium.launch({ executablePath: findChromium()! }) : null;
  const options = { dataDir, guard: new Guard() };
  const app = browser === null ? await launchElectronApp(options) : await launchWebApp(browser, options);
  try {
    await app.page.evaluate('globalThis.__name = (value) => value');
    const chat = new ChatPage(app.page);
    await chat.ready();
    console.log(`\n== ${host}, ${rate} tok/s for ${seconds} s ==`);
    console.log('| view | tokens | CPU of the page | longest task | blocks |');
    for (const view of ['raw', 'formatted', 'formatted, as tokens'] as const) {
      await app.services.invoke('settingsSet', { rawReplies: view === 'raw', tokensView: view.endsWith('tokens') });
      const stream = await streamReply(app, chat, `${SAMPLE}\n\n`.repeat(1 + Math.ceil((rate * seconds) / 250)));
      await stream.at(rate, 2);
      await app.page.evaluate(() => {
        const tasks: number[] = [];
        Object.assign(window, { tasks });
        const take = (list: PerformanceObserverEntryList) =>
          tasks.push(...list.getEntries().map((one) => one.duration));
        new PerformanceObserver(take).observe({ type: 'longtask' });
      });
      const [before, from] = [await cpuSeconds(app), performance.now()];
      const tokens = await stream.at(rate, seconds);
      const share = ((await cpuSeconds(app)) - before) / ((performance.now() - from) / 1000);
      const longest = await app.page.evaluate(() => Math.max(0, ...(window as unknown as { tasks: number[] }).tasks));
      const blocks = await app.page.locator('[data-testid=markdown-block], [data-testid=text-block]').count();
      console.log(`| ${view} | ${tokens} | ${(100 * share).toFixed(0)} % | ${longest.toFixed(0)} ms | ${blocks} |`);
    }
  } finally {
    await app.close();
    await browser?.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** CPU time of the page's process so far, s. */
async function cpuSeconds(app: RunningApp): Promise<number> {
  let pids: number[];
  if (app.electron !== null) {
    const metrics = await app.electron.evaluate(({ app: electron }) =>
      electron.getAppMetrics().map(({ type, pid }) => [type as string, pid] as const),
    );
    pids = metrics.filter(([type]) => type === 'Tab').map(([, pid]) => pid);
  } else {
    const session = await app.context.browser()!.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    await session.detach();
    pids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  }
  let ticks = 0;
  for (const pid of pids) {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /u, '').split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

await main();
