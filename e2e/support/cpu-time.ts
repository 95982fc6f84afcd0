/** How long the processor has worked for the engine's process, measured from outside. */
import type { RunningApp } from './app.ts';
import { enginePid } from './electron-app.ts';

/** Seconds of CPU time of Electron's utility process, or of the browser's pages, all threads together. */
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
  return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}
