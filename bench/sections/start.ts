/** From the start of a program to its first token. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../../scripts/lib/run.ts';
import { median } from '../../src-main/hosts/node/bench/median.ts';
import { benchModel } from '../lib/bench-models.ts';
import { table } from '../lib/markdown.ts';
import type { BenchOptions } from '../lib/options.ts';

const PROMPT = 'Once upon a time';
const TIMES = 5;
/** No new round starts after this: under load llama.cpp's threads take half a minute for the first token. */
const MOST_MS = 40_000;

export interface StartResult {
  /** Medians, ms. */
  readonly ours: number;
  readonly theirs: number;
  readonly times: number;
}

export async function measureStart(options: BenchOptions): Promise<StartResult> {
  options.say('from the start of the program to the first token');
  const path = await benchModel('Q4_1', options.say);
  const ours = [join('scripts', 'tokenscope.mjs'), 'run', PROMPT, '--model', path, '--max-tokens', '1'];
  const theirs = [join('bench', 'lib', 'llama-first-token.mjs'), path, PROMPT];
  const found: [number[], number[]] = [[], []];
  // The first round loads files into memory and is not counted.
  const until = performance.now() + MOST_MS;
  for (let round = 0; round <= TIMES && (round < 2 || performance.now() < until); round++) {
    const pair = [await firstOutput(ours), await firstOutput(theirs)];
    if (round > 0) pair.forEach((ms, i) => found[i].push(ms));
  }
  return { ours: median(found[0]), theirs: median(found[1]), times: found[0].length };
}

/** @returns ms until the program's first output */
async function firstOutput(args: string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  const first = once(child.stdout, 'data').then(() => performance.now() - started);
  const ms = await Promise.race([first, ended.then(() => NaN)]);
  const [code] = (await ended) as [number | null];
  if (code !== 0 || Number.isNaN(ms)) throw new Error(`${args[0]} exited with ${code} without producing a token.`);
  return ms;
}

export function formatStart({ ours, theirs, times }: StartResult): string {
  return [
    `Time from starting the program to the first token after “${PROMPT}”, SmolLM2 Q4_1, in ms: medians of ${times}. ` +
      'node-llama-cpp runs in a ten-line program.',
    table(['`tokenscope run`', 'node-llama-cpp'], [[ours.toFixed(0), theirs.toFixed(0)]]),
  ].join('\n\n');
}
