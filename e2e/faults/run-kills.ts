/**
 * Hundreds of kills, with a table of losses.
 *
 *     npx tsx e2e/faults/run-kills.ts [--kills 300] [--seed 1] [--only engine]
 *
 * A third each: Electron's main process, the web host, the engine (half of those in Electron, half in the browser).
 */
import { chromium } from '@playwright/test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium } from '../../scripts/lib/chromium.ts';
import { prepareScript } from '../support/display.ts';
import type { Host, RunningApp } from '../support/app.ts';
import { launchElectronApp } from '../support/electron-app.ts';
import { Guard } from '../support/guard.ts';
import { launchWebApp } from '../support/web-app.ts';
import { KillRounds, MAX_LOST_MS, seededRandom, type KillResult, type Victim } from './kill-rounds.ts';

/** A new data folder after so many kills, so that chats do not grow without limit. */
const KILLS_PER_FOLDER = 25;

const { values } = parseArgs({
  options: { kills: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const kills = Number(values.kills ?? 300);
const random = seededRandom(Number(values.seed ?? 1));

const ALL: readonly { name: string; host: Host; victim: Victim; kills: number }[] = [
  { name: "Electron's main process", host: 'electron', victim: 'app', kills: Math.round(kills / 3) },
  { name: 'web host', host: 'web', victim: 'app', kills: Math.round(kills / 3) },
  { name: 'engine, Electron', host: 'electron', victim: 'engine', kills: Math.round(kills / 6) },
  { name: 'engine, browser', host: 'web', victim: 'engine', kills: Math.round(kills / 6) },
];
const series = ALL.filter(({ name }) => name.includes(values.only ?? ''));

const stopDisplay = await prepareScript();
const chromiumPath = findChromium();
if (chromiumPath === null)
  throw new Error('No Chromium found: "npx tsx scripts/system-packages.ts" says how to get one.');
const browser = await chromium.launch({ executablePath: chromiumPath });
let failed = false;
console.log('| Killed | Kills | Mid-reply | Problems | Text lost, ms: median / p90 / max |');
console.log('| --- | --- | --- | --- | --- |');
for (const { name, host, victim, kills: count } of series) {
  const results: KillResult[] = [];
  while (results.length < count) {
    const batch = Math.min(KILLS_PER_FOLDER, count - results.length);
    results.push(...(await inFreshFolder(host, (rounds) => killed(rounds, victim, batch))));
  }
  const problems = results.flatMap((result) => result.problems);
  const lost = results.filter(({ midReply }) => midReply).map(({ lostMs }) => lostMs);
  const at = (share: number) => Math.round(lost.sort((a, b) => a - b)[Math.floor(share * (lost.length - 1))] ?? 0);
  console.log(
    `| ${name} | ${results.length} | ${lost.length} | ${problems.length} | ${at(0.5)} / ${at(0.9)} / ${at(1)} |`,
  );
  for (const problem of problems) console.error(`${name}: ${problem}`);
  failed ||= problems.length > 0 || at(1) > MAX_LOST_MS;
}
await browser.close();
stopDisplay();
process.exitCode = failed ? 1 : 0;

async function killed(rounds: KillRounds, victim: Victim, count: number): Promise<KillResult[]> {
  const results: KillResult[] = [];
  for (let number = 0; number < count; number++) results.push(await rounds.round(victim));
  return results;
}

async function inFreshFolder<T>(host: Host, work: (rounds: KillRounds) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tokenscope-kills-'));
  const options = { dataDir, guard: new Guard() };
  let app: RunningApp | null = null;
  try {
    app = host === 'electron' ? await launchElectronApp(options) : await launchWebApp(browser, options);
    return await work(new KillRounds(app, random));
  } finally {
    await app?.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}
