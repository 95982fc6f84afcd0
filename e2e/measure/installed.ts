/**
 * Measures the installed deb in a clean Debian, as root:
 *
 *     npx tsx e2e/measure/installed.ts [--starts 20]
 *
 * Start: from the program's first instruction to the first contentful paint, which shows the window, on a profile that has
 * been used once. Memory: the proportional set size (PSS) of all processes, ten seconds after the model was loaded.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cleanRoot, type CleanRoot } from '../installed/clean-root.ts';
import { attach, DEBUGGER, type InstalledApp } from '../installed/installed-app.ts';
import { installer } from '../installed/installers.ts';
import setup from '../installed/setup.ts';
import { processTree } from '../support/processes.ts';

const APP = '/opt/Tokenscope/tokenscope';
/** Prints the time and becomes the app. */
const TIMED = ['sh', '-c', 'date +%s%3N; exec "$0" "$@"', APP, DEBUGGER];
const IDLE_MS = 10_000;

const { values } = parseArgs({ options: { starts: { type: 'string', default: '20' } } });
const starts = Number(values.starts);

const cleanUp = await setup();
const root = await cleanRoot();
try {
  await root.add(installer('deb'), 'tmp/app.deb');
  await root.must(['dpkg', '--install', '/tmp/app.deb']);
  await start(root, () => Promise.resolve());
  const times: number[] = [];
  for (let run = 0; run < starts; run++) times.push(await start(root, () => Promise.resolve()));
  times.sort((a, b) => a - b);
  const [least, median, most] = [times[0], times[times.length >> 1], times.at(-1)];
  console.log(`Start of ${starts}, ms: ${least} / ${median} / ${most} (least / median / most)`);
  await start(root, async (_app, pid) => {
    await sleep(IDLE_MS);
    const pids = await processTree(pid);
    const sizes = await Promise.all(pids.map(pssOf));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    console.log(`Idle memory, MiB: ${(total / 1024).toFixed(0)} (PSS of ${sizes.filter(Boolean).length} processes)`);
  });
} finally {
  await root.dispose();
  cleanUp();
}

/** Starts the app, waits for its model, and quits after `work`. @returns ms until the window was shown */
async function start(where: CleanRoot, work: (app: InstalledApp, pid: number) => Promise<void>): Promise<number> {
  const child = where.start(TIMED, { asUser: true });
  const began = new Promise<number>((done) => child.stdout?.once('data', (text: Buffer) => done(Number(text))));
  const app = await attach(child);
  await app.chat.ready();
  const painted = await app.page.evaluate(
    () => performance.timeOrigin + (performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN),
  );
  await work(app, child.pid ?? 0);
  await app.quit();
  return Math.round(painted - (await began));
}

/** KiB; 0 for a process that has ended, or that has no memory of its own. */
async function pssOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
}
