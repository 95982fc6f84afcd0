/**
 * Measures the installed deb in a clean Debian, as root:
 *
 *     npx tsx e2e/measure/installed.ts [--starts 20]
 *
 * Start: from the program's first instruction to the window, as the X server reports it; to the first contentful paint,
 * which shows its empty areas; and to the largest one, which is the interface. On a profile that has been used once.
 *
 * Memory: the proportional set size (PSS) of all processes, ten seconds after the model was loaded.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ensurePackages } from '../../scripts/system-packages.ts';
import { cleanRoot, type CleanRoot } from '../installed/clean-root.ts';
import { attach, type InstalledApp } from '../installed/installed-app.ts';
import { installer } from '../installed/installers.ts';
import setup from '../installed/setup.ts';
import { DEBUGGER } from '../support/debugger.ts';
import { processTree } from '../support/processes.ts';
import { watchWindows } from './window-watch.ts';

const APP = '/opt/Tokenscope/tokenscope';
/** Prints the time and becomes the app. */
const TIMED = ['sh', '-c', 'date +%s%3N; exec "$0" "$@"', APP, DEBUGGER];
const IDLE_MS = 10_000;

/** Times from the program's first instruction, ms. */
interface Start {
  window: number;
  areas: number;
  interface: number;
}

const { values } = parseArgs({ options: { starts: { type: 'string', default: '20' } } });
const starts = Number(values.starts);

const missing = await ensurePackages([['x11-utils']], console.log);
if (missing.length > 0) throw new Error(missing.join('\n'));
const cleanUp = await setup();
const watch = await watchWindows();
const root = await cleanRoot();
try {
  await root.add(installer('deb'), 'tmp/app.deb');
  await root.must(['dpkg', '--install', '/tmp/app.deb']);
  await start(root, () => Promise.resolve());
  const times: Start[] = [];
  for (let run = 0; run < starts; run++) times.push(await start(root, () => Promise.resolve()));
  console.log(`${starts} starts, ms (least / median / most):`);
  for (const what of ['window', 'areas', 'interface'] as const) {
    const sorted = times.map((one) => one[what]).sort((a, b) => a - b);
    console.log(`  ${what}: ${sorted[0]} / ${sorted[sorted.length >> 1]} / ${sorted.at(-1)}`);
  }
  await start(root, async (_app, pid) => {
    await sleep(IDLE_MS);
    const pids = await processTree(pid);
    const sizes = await Promise.all(pids.map(pssOf));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    console.log(`Idle memory, MiB: ${(total / 1024).toFixed(0)} (PSS of ${sizes.filter(Boolean).length} processes)`);
  });
} finally {
  await root.dispose();
  watch.stop();
  cleanUp();
}

/** Starts the app, waits for its model, and quits after `work`. */
async function start(where: CleanRoot, work: (app: InstalledApp, pid: number) => Promise<void>): Promise<Start> {
  const child = where.start(TIMED, { asUser: true });
  const began = new Promise<number>((done) => child.stdout?.once('data', (text: Buffer) => done(Number(text))));
  const app = await attach(child);
  await app.chat.ready();
  const [first, largest] = await app.page.evaluate(async () => {
    const entry = await new Promise<PerformanceEntry | undefined>((resolve) => {
      const observer = new PerformanceObserver((list) => resolve(list.getEntries().at(-1)));
      observer.observe({ type: 'largest-contentful-paint', buffered: true });
    });
    return [performance.getEntriesByName('first-contentful-paint')[0], entry].map(
      (paint) => performance.timeOrigin + (paint?.startTime ?? Number.NaN),
    );
  });
  await work(app, child.pid ?? 0);
  await app.quit();
  const from = await began;
  const window = watch.firstSince(from) ?? Number.NaN;
  return {
    window: Math.round(window - from),
    areas: Math.round(Number(first) - from),
    interface: Math.round(Number(largest) - from),
  };
}

/** KiB; 0 for a process that has ended, or that has no memory of its own. */
async function pssOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
}
