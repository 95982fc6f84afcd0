/** How much memory the engine's process holds, measured from outside. */
import { readFile } from 'node:fs/promises';
import type { RunningApp } from './app.ts';
import { enginePid } from './electron-app.ts';

/**
 * Resident bytes of the process in which the engine runs: Electron's utility process, or the browser's pages.
 * @throws Error where there is no /proc
 */
export async function engineMemory(app: RunningApp): Promise<number> {
  const pids = app.electron === null ? await pagePids(app) : [await enginePid(app.electron)];
  const sizes = await Promise.all(pids.map(residentBytes));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function pagePids(app: RunningApp): Promise<number[]> {
  const browser = app.context.browser();
  if (browser === null) throw new Error('This context has no browser.');
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status does not say how much memory is resident.`);
  return Number(kilobytes) * 1024;
}
