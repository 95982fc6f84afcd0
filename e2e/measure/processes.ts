/**
 * Measures what each of the app's processes computes while a reply or the lanes of Compare stream (Linux, Electron):
 *
 *     npx tsx e2e/measure/processes.ts [--files Q4_1] [--tokens 300]
 *
 * Per token of SmolLM2: processor time of the engine, the page, the GPU's process and the display, and in the page that of
 * scripts, styles and layout. While the page draws, a thread of the engine may have to wait for a core.
 */
import { expect, type CDPSession } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ChatPage } from '../pages/chat.ts';
import { ComparePage } from '../pages/compare.ts';
import type { RunningApp } from '../support/app.ts';
import { fileTypes, loadSmolLM2, POLLING_MS, withApp } from './support.ts';

const PROMPT = 'Explain temperature and top-k sampling to a beginner, at length.';
/** Of a run, on a busy computer. */
const RUN_TIMEOUT_MS = 120_000;
const LANES = 4;
/** Of Chromium's metrics of a page. */
const PAGE_METRICS = ['TaskDuration', 'ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration'];

const { values } = parseArgs({
  options: { files: { type: 'string', default: 'Q4_1' }, tokens: { type: 'string', default: '300' } },
});
const tokens = Number(values.tokens);
const tickMs = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

for (const type of fileTypes(values.files)) {
  await withApp('electron', async (app) => {
    const chat = await loadSmolLM2(app, type, tokens);
    await measure(app, chat);
  });
}

async function measure(app: RunningApp, chat: ChatPage): Promise<void> {
  const session = await app.page.context().newCDPSession(app.page);
  await session.send('Performance.enable');
  await report(session, 'a reply', tokens, async () => {
    await chat.newChat();
    await chat.ask(PROMPT);
  });
  const compare = new ComparePage(app.page, POLLING_MS);
  await compare.show();
  await report(session, 'four lanes', LANES * tokens, () => compare.compare(PROMPT, RUN_TIMEOUT_MS));
  await report(session, 'one lane', tokens, async () => {
    await compare.menu(0, 'lane-rerun');
    await expect(compare.lane(0).getByTestId('lane-stop')).toHaveCount(0);
    await compare.finished(RUN_TIMEOUT_MS);
  });
}

/** Prints the figures of a run that follows two others of the same kind. */
async function report(session: CDPSession, name: string, count: number, run: () => Promise<void>): Promise<void> {
  for (let warmUp = 0; warmUp < 2; warmUp++) await run();
  const [page, processes, started] = [await pageTimes(session), processTimes(), performance.now()];
  await run();
  const [ms, processesAfter, pageAfter] = [performance.now() - started, processTimes(), await pageTimes(session)];
  console.log(`${name}: ${((count / ms) * 1000).toFixed(0)} tokens per second with the prompt; ms per token:`);
  const perToken = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) =>
    [...after].map(([what, time]) => `${what} ${((time - (before.get(what) ?? 0)) / count).toFixed(2)}`).join(', ');
  console.log(`  all ${(ms / count).toFixed(2)}; processors: ${perToken(processes, processesAfter)}`);
  console.log(`  in the page: ${perToken(page, pageAfter)}`);
}

/** ms that the page's thread has spent. */
async function pageTimes(session: CDPSession): Promise<Map<string, number>> {
  const { metrics } = await session.send('Performance.getMetrics');
  const wanted = metrics.filter(({ name }) => PAGE_METRICS.includes(name));
  return new Map(wanted.map(({ name, value }) => [name, value * 1000]));
}

/** ms of processor time of all threads, by the kind of process. */
function processTimes(): Map<string, number> {
  const times = new Map<string, number>();
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const command = textOf(`/proc/${id}/cmdline`).replaceAll('\0', ' ');
    const stat = textOf(`/proc/${id}/stat`);
    if (!/electron|Xvfb/u.test(command) || /playwright|tsx/u.test(command) || stat === '') continue;
    // After the name, which may contain anything: state is the first, user and system time are the 12th and 13th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const kind = kindOf(command);
    times.set(kind, (times.get(kind) ?? 0) + (Number(fields[11]) + Number(fields[12])) * tickMs);
  }
  return times;
}

function kindOf(command: string): string {
  if (command.includes('Xvfb')) return 'display';
  if (command.includes('node.mojom.NodeService')) return 'engine';
  return /--type=([\w-]+)/u.exec(command)?.[1] ?? 'main';
}

/** Empty if the process has ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
