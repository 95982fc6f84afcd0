/** Memory of the engine's process, measured from outside. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { RunningApp } from './app.ts';
import { enginePid } from './electron-app.ts';

/**
 * Resident bytes of the engine's process: Electron's utility process, or the browser's pages.
 * @throws Error without /proc
 */
export async function engineMemory(app: RunningApp): Promise<number> {
  const pids = await enginePids(app);
  const sizes = await Promise.all(pids.map((pid) => bytesOf(pid, 'VmRSS')));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * Limits the engine's process to `bytes` beyond its current memory, as on a computer with full memory. @returns removes
 * the limit
 */
export async function limitEngineMemory(app: RunningApp, bytes: number): Promise<() => Promise<void>> {
  const pids = await enginePids(app);
  for (const pid of pids) await setDataLimit(pid, String((await bytesOf(pid, 'VmData')) + bytes));
  return async () => {
    for (const pid of pids) await setDataLimit(pid, 'unlimited');
  };
}

/** Only the soft limit, which anyone may lift again. */
async function setDataLimit(pid: number, limit: string): Promise<void> {
  await promisify(execFile)('prlimit', [`--pid=${pid}`, `--data=${limit}:`]);
}

async function enginePids(app: RunningApp): Promise<number[]> {
  return app.electron === null ? await pagePids(app) : [await enginePid(app.electron)];
}

async function pagePids(app: RunningApp): Promise<number[]> {
  const browser = app.context.browser();
  if (browser === null) throw new Error('This context has no browser.');
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
}

async function bytesOf(pid: number, what: 'VmRSS' | 'VmData'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no ${what}.`);
  return Number(kilobytes) * 1024;
}
