/**
 * Measures the speed of long chats on this computer:
 *
 *     npx tsx e2e/measure/long-chats.ts [electron|web] [open] [scroll] [reply] [regenerate] [list]
 *
 * Both hosts and all parts by default. `e2e/long-chats.spec.ts` has the assertions.
 */
import { chromium, type Page } from '@playwright/test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from '../../scripts/lib/chromium.ts';
import { ChatPage } from '../pages/chat.ts';
import type { Host, RunningApp } from '../support/app.ts';
import { launchElectronApp } from '../support/electron-app.ts';
import { prepareScript } from '../support/display.ts';
import { Guard } from '../support/guard.ts';
import { words, writeChat } from '../support/long-chats.ts';
import { processTree } from '../support/processes.ts';
import { launchWebApp } from '../support/web-app.ts';

const PARTS = ['open', 'scroll', 'reply', 'regenerate', 'list'] as const;
type Part = (typeof PARTS)[number];

const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const LONG = id(1);
const SHORT = id(2);

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
const ms = (value: number) => `${value.toFixed(0)} ms`;

/** Waits until the page is ready, and lets it run functions compiled by tsx. */
async function ready(app: RunningApp): Promise<ChatPage> {
  await app.page.evaluate('globalThis.__name = (value) => value');
  const chat = new ChatPage(app.page);
  await chat.id('composer').waitFor();
  await app.page.waitForFunction(
    () => document.querySelector('[data-testid=engine-state]')?.getAttribute('data-state') === 'ready',
  );
  return chat;
}

function table(title: string, rows: (string | number)[][]): void {
  console.log(`\n${title}`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const hosts = (['electron', 'web'] as const).filter((host) => wanted.includes(host));
  const parts = PARTS.filter((part) => wanted.includes(part));
  const stop = await prepareScript();
  try {
    for (const host of hosts.length > 0 ? hosts : (['electron', 'web'] as const)) {
      await measureHost(host, parts.length > 0 ? parts : PARTS);
    }
  } finally {
    stop();
  }
}

async function measureHost(host: Host, parts: readonly Part[]): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tokenscope-measure-'));
  const browser = host === 'web' ? await chromium.launch({ executablePath: findChromium()! }) : null;
  const options = { dataDir, guard: new Guard() };
  const app = browser === null ? await launchElectronApp(options) : await launchWebApp(browser, options);
  console.log(`\n== ${host} ==`);
  try {
    await ready(app);
    // Only the token limit stops it, and the oldest tokens are dropped when the window is full.
    const stop = { ignoreEos: true, repetitionWindow: 0, maxTokens: 20_000 };
    await app.services.invoke('settingsSet', {
      whenFull: 'shift',
      perModel: { 'tiny-transformer': modelSettings(stop) },
    });
    if (parts.includes('open') || parts.includes('scroll')) {
      await writeChat(app, { id: SHORT, title: 'short', replies: [words(15)], details: true });
      const replies = Array.from({ length: 1000 }, () => words(15));
      await writeChat(app, { id: LONG, title: 'long', replies, details: true });
    }
    await app.restart();
    await ready(app);
    if (parts.includes('open')) await measureOpening(app);
    if (parts.includes('scroll')) await measureScrolling(app);
    if (parts.includes('reply')) await measureReply(app);
    if (parts.includes('regenerate')) await measureRegenerations(app, stop);
    if (parts.includes('list')) await measureList(app);
  } finally {
    await app.close();
    await browser?.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function modelSettings(stop: object) {
  const drafts = { template: '', gbnf: '', json_schema: '' };
  return { sampling: { seed: 1 }, stop, template: 'model' as const, enableThinking: null, contextSize: null, drafts };
}

/** From the click to the frame in which the chat's last turn is painted, ms. */
async function openTime(page: Page, chatId: string, turns: number): Promise<number> {
  return await page.evaluate(
    ([wanted, count]) =>
      new Promise<number>((resolve) => {
        const from = performance.now();
        document.querySelector<HTMLElement>(`[data-chat-id="${wanted}"]`)!.click();
        const look = () => {
          const there = document.querySelector(
            `[data-testid=reply][aria-setsize="${count}"][aria-posinset="${count}"]`,
          );
          if (there === null) return void requestAnimationFrame(look);
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - from)));
        };
        look();
      }),
    [chatId, turns] as const,
  );
}

async function measureOpening(app: RunningApp): Promise<void> {
  const { page } = app;
  await page.locator(`[data-chat-id="${LONG}"]`).waitFor();
  const times: number[] = [];
  const short: number[] = [];
  for (let round = 0; round < 7; round++) {
    short.push(await openTime(page, SHORT, 2));
    times.push(await openTime(page, LONG, 2000));
    await page.waitForTimeout(300);
  }
  const elements = await page.evaluate(() => document.querySelectorAll('section[data-region=thread] *').length);
  table('Open a chat of 2,000 messages, 15 tokens each with details', [
    ['first', 'median of 7', 'chat of 2 messages', 'elements in the thread'],
    [ms(times[0]!), ms(median(times)), ms(median(short)), elements],
    ...(await memory(app)),
  ]);
  const chat = new ChatPage(page);
  const reply = async (chatId: string, turns: number) => {
    await openTime(page, chatId, turns);
    const from = performance.now();
    await chat.send('Once upon a time');
    await page.waitForFunction(() => document.querySelector('[data-testid=stop]') !== null);
    await page.waitForFunction(
      (count) => document.querySelector(`[aria-posinset="${count}"] [data-testid=reply-text]`)?.textContent !== '',
      turns + 2,
    );
    const first = performance.now() - from;
    await page.waitForTimeout(1500);
    const rate = await chat.lastReply.getByTestId('reply-stats').textContent();
    await chat.id('stop').click();
    await chat.finished();
    return [ms(first), rate?.trim().replaceAll(/\s+/g, ' ') ?? ''];
  };
  table('A new reply', [
    ['chat', 'first text', 'after 1.5 s'],
    ['2 messages', ...(await reply(SHORT, 2))],
    ['2,000 messages', ...(await reply(LONG, 2000))],
  ]);
}

async function measureScrolling(app: RunningApp): Promise<void> {
  const { page } = app;
  const turns = (await app.services.invoke('chatGet', LONG))!.turns.length;
  await openTime(page, SHORT, (await app.services.invoke('chatGet', SHORT))!.turns.length);
  await openTime(page, LONG, turns);
  await watchFrames(page);
  await page.locator('section[data-region=thread]').hover();
  for (let step = 0; step < 120; step++) {
    await page.mouse.wheel(0, -400);
    await page.waitForTimeout(16);
  }
  const wheel = await frames(page);
  await watchFrames(page);
  for (let step = 0; step < 20; step++) {
    await page.locator('section[data-region=thread]').evaluate((element, at) => {
      element.scrollTop = (element.scrollHeight * ((at * 7) % 20)) / 20;
    }, step);
    await page.waitForTimeout(100);
  }
  const jumps = await frames(page);
  table('Scroll the chat of 2,000 messages', [
    ['', 'median frame', 'longest frame', 'longest task over 50 ms'],
    ['120 turns of the wheel', ms(wheel.median), ms(wheel.longest), ms(wheel.task)],
    ['20 jumps', ms(jumps.median), ms(jumps.longest), ms(jumps.task)],
  ]);
}

async function watchFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const state = { times: [] as number[], tasks: [] as number[], on: true };
    (window as unknown as { watchedFrames: { on: boolean } | undefined }).watchedFrames &&= Object.assign(
      (window as unknown as { watchedFrames: { on: boolean } }).watchedFrames,
      { on: false },
    );
    Object.assign(window, { watchedFrames: state });
    new PerformanceObserver((list) => state.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    });
    let last = performance.now();
    const look = (now: number) => {
      state.times.push(now - last);
      last = now;
      if (state.on) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

async function frames(page: Page): Promise<{ median: number; longest: number; task: number; count: number }> {
  const state = await page.evaluate(() => {
    const watched = (window as unknown as { watchedFrames: { times: number[]; tasks: number[] } }).watchedFrames;
    const { times, tasks } = watched;
    watched.times = [];
    watched.tasks = [];
    return { times, tasks };
  });
  return {
    median: median(state.times),
    longest: Math.max(0, ...state.times),
    task: Math.max(0, ...state.tasks),
    count: state.times.length,
  };
}

async function measureReply(app: RunningApp): Promise<void> {
  const { page } = app;
  const chat = new ChatPage(page);
  await chat.newChat();
  await chat.send('Once upon a time, there was a little');
  const rows: (string | number)[][] = [['tokens', 'tok/s', 'frames/s', 'longest frame', 'blocks', 'memory']];
  const count = () =>
    page.evaluate(() => {
      const text = document.querySelector('[data-testid=reply-stats]')?.textContent ?? '';
      return Number(/([\d,]+) tokens/.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
    });
  await watchFrames(page);
  for (const mark of [1000, 5000, 10_000, 15_000, 19_000]) {
    while ((await count()) < mark) await page.waitForTimeout(50);
    await frames(page);
    const [before, from] = [await count(), performance.now()];
    await page.waitForTimeout(2000);
    const [after, seen, seconds] = [await count(), await frames(page), (performance.now() - from) / 1000];
    const blocks = await page.locator('[data-testid=text-block]').count();
    const tree = (await memory(app)).map((row) => row.join(' ')).join(', ');
    rows.push([
      before,
      ((after - before) / seconds).toFixed(0),
      (seen.count / seconds).toFixed(0),
      ms(seen.longest),
      blocks,
      tree,
    ]);
    if (after === before) break;
  }
  await chat.finished();
  rows.push(['end', (await chat.lastReply.getByTestId('reply-stats').textContent())?.trim() ?? '']);
  table('A reply of 20,000 tokens', rows);
}

async function measureRegenerations(app: RunningApp, stop: object): Promise<void> {
  const limited = { ...stop, maxTokens: 300 };
  await app.services.invoke('settingsSet', { perModel: { 'tiny-transformer': modelSettings(limited) } });
  await app.restart();
  const chat = await ready(app);
  await chat.newChat();
  const rows: (string | number)[][] = [['reply', 'time', 'longest frame', 'memory']];
  await chat.ask('Once upon a time');
  await watchFrames(app.page);
  for (let number = 2; number <= 101; number++) {
    await frames(app.page);
    const took = await app.page.evaluate(
      (versions) =>
        new Promise<number>((resolve) => {
          const from = performance.now();
          document.querySelector<HTMLElement>('[data-testid=regenerate]')!.click();
          const look = () => {
            const pager = document.querySelector('.pager')?.textContent?.replaceAll(/\s+/g, ' ') ?? '';
            const ended =
              pager.includes(`${versions} / ${versions}`) &&
              document.querySelector('[data-testid=regenerate]:not(:disabled)');
            if (ended) resolve(performance.now() - from);
            else requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        }),
      number,
    );
    const seen = await frames(app.page);
    if ([2, 42, 82, 101].includes(number)) {
      rows.push([number - 1, ms(took), ms(seen.longest), (await memory(app)).map((row) => row.join(' ')).join(', ')]);
    }
  }
  table('Regenerations of 300 tokens', rows);
}

async function measureList(app: RunningApp): Promise<void> {
  // What a start takes in any case.
  const before = await measureStarts(app, 'chat-list');
  const from = performance.now();
  for (let number = 0; number < 3000; number += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        writeChat(app, { id: id(10_000 + number + at), title: `Chat ${number + at}`, replies: [words(60)] }),
      ),
    );
  }
  console.log(`(3,000 chats written in ${((performance.now() - from) / 1000).toFixed(1)} s)`);
  const after = await measureStarts(app, 'chat-item');
  const phases = ['page begins', 'scripts there', 'list sent', 'first paint', 'list there', 'composer ready'];
  const head = ['start', ...phases, 'quitting before it'];
  table('Before the 3,000 chats: from starting the app', [head, ...before]);
  table('3,000 chats: from starting the app', [head, ...after]);
  const { page } = app;
  await watchFrames(page);
  await page.getByTestId('chat-list').hover();
  for (let step = 0; step < 100; step++) {
    await page.mouse.wheel(0, 500);
    await page.waitForTimeout(16);
  }
  const seen = await frames(page);
  const searching = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const input = document.querySelector<HTMLInputElement>('[data-testid=chat-search]')!;
        const list = () => document.querySelector('[data-testid=chat-list]')!;
        const before = list().scrollHeight;
        const from = performance.now();
        input.value = 'Chat 12';
        input.dispatchEvent(new Event('input', { bubbles: true }));
        const look = () => {
          if (list().scrollHeight !== before) resolve(performance.now() - from);
          else requestAnimationFrame(look);
        };
        look();
      }),
  );
  table('The list of 3,000 chats', [
    ['median frame while scrolling', 'longest frame', 'longest task over 50 ms', 'search, 120 ms of waiting included'],
    [ms(seen.median), ms(seen.longest), ms(seen.task), ms(searching)],
  ]);
}

/** @param listed test id of what shows that the list is there */
async function measureStarts(app: RunningApp, listed: string): Promise<string[][]> {
  const rows: string[][] = [];
  // A browser that has never seen the app measures its kernels first, and compiles everything.
  const kinds = app.host === 'web' ? ['new browser', 'same browser'] : ['new window'];
  for (const [kind, round] of kinds.flatMap((name) => [1, 2, 3].map((at) => [name, at] as const))) {
    const began = performance.now();
    const quitMs = await app.restart({ keepsBrowser: kind === 'same browser' });
    const start = began + quitMs;
    await app.page.getByTestId(listed).first().waitFor();
    const list = performance.now() - start;
    await ready(app);
    const composer = performance.now() - start;
    const phases = await phasesOf(app.page, performance.timeOrigin + start);
    rows.push([`${kind} ${round}`, ...phases, ms(list), ms(composer), ms(quitMs)]);
  }
  return rows;
}

/** How long after `startedAt`, ms since 1970, a page began, its scripts and list had come, and it was painted. */
async function phasesOf(page: Page, startedAt: number): Promise<string[]> {
  const times = await page.evaluate(() => {
    const loaded = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
    // Of all calls, the list has the largest answer. Electron's are no requests.
    const end = (part: string) => {
      const found = loaded.filter(({ name }) => name.includes(part));
      return found.sort((a, b) => b.encodedBodySize - a.encodedBodySize)[0]?.responseEnd;
    };
    const painted = performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
    return [0, end('/show-app'), end('/api/invoke'), painted].map((time) =>
      time === undefined ? null : performance.timeOrigin + time,
    );
  });
  return times.map((time) => (time === null ? '-' : ms(time - startedAt)));
}

/** The page's heap, and resident memory by kind of process, after garbage collection in the page. */
async function memory(app: RunningApp): Promise<(string | number)[][]> {
  const page = await app.context.newCDPSession(app.page);
  await page.send('HeapProfiler.collectGarbage');
  const { usedSize } = await page.send('Runtime.getHeapUsage');
  await page.detach();
  return [['heap', `${(usedSize / 1e6).toFixed(1)} MB`], ...(await residentMemory(app))];
}

async function residentMemory(app: RunningApp): Promise<(string | number)[][]> {
  if (app.electron !== null) {
    const metrics = await app.electron.evaluate(({ app: electron }) =>
      electron.getAppMetrics().map(({ type, memory: { workingSetSize } }) => [type, workingSetSize] as const),
    );
    return metrics.map(([type, size]) => [type, `${(size / 1024).toFixed(0)} MB`]);
  }
  const session = await app.context.browser()!.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const pids = processInfo.filter(({ type }) => type === 'renderer').map(({ id: pid }) => ['page', pid] as const);
  const hosts = (await processTree(process.pid)).slice(1).map((pid) => ['host', pid] as const);
  const rows: (string | number)[][] = [];
  for (const [kind, pid] of [...pids, ...hosts]) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (kind === 'host' && !command.includes('web-host')) continue;
    const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    rows.push([kind, `${(kilobytes / 1024).toFixed(0)} MB`]);
  }
  return rows;
}

await main();
