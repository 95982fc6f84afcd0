/** CPU time of the engine's process, measured from outside. */
import { readdir, readFile } from 'node:fs/promises';
import type { RunningApp } from './app.ts';
import { enginePid } from './electron-app.ts';

/** Units of /proc on Linux. */
const TICKS_PER_SECOND = 100;
/** Fields after a thread's name: its state is the first, its user time the twelfth. */
const USER_TICKS = 12;

/**
 * CPU time in seconds of Electron's utility process, or of the browser's workers: on Linux by thread, elsewhere the pages
 * with all their threads.
 */
export async function engineCpuSeconds(app: RunningApp): Promise<number> {
  if (app.electron === null) return await pagesCpuSeconds(app);
  const pid = await enginePid(app.electron);
  const seconds = await app.electron.evaluate(
    (electron, wanted) => electron.app.getAppMetrics().find((metric) => metric.pid === wanted)?.cpu.cumulativeCPUUsage,
    pid,
  );
  if (seconds === undefined) throw new Error(`Electron does not say what CPU time process ${pid} has taken.`);
  return seconds;
}

async function pagesCpuSeconds(app: RunningApp): Promise<number> {
  const browser = app.context.browser();
  if (browser === null) throw new Error('This context has no browser.');
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const pages = processInfo.filter(({ type }) => type === 'renderer');
  if (process.platform !== 'linux') return pages.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  const times = await Promise.all(pages.map(({ id }) => workersCpuSeconds(id)));
  return times.reduce((sum, seconds) => sum + seconds, 0);
}

/** Of all threads that run workers. */
async function workersCpuSeconds(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = threads.map(async (thread) => {
    // A thread may have exited meanwhile.
    const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '');
    if (!stat.includes('(DedicatedWorker)')) return 0;
    const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(USER_TICKS);
    return (Number(user) + Number(system)) / TICKS_PER_SECOND;
  });
  return (await Promise.all(times)).reduce((sum, seconds) => sum + seconds, 0);
}
