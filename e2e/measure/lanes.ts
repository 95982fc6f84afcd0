/**
 * Measures the lanes of Compare in the app, by the rates that the replies report:
 *
 *     npx tsx e2e/measure/lanes.ts [--host electron|web] [--files Q4_1,Q8_0] [--rounds 12] [--tokens 128]
 *
 * Four lanes of SmolLM2 and one of them alone take turns, so that what else the computer does slows both. Each ratio is of
 * two neighbours: the sum of four lanes' rates, and the rate of one. The ready-made set has different settings in each
 * lane, so every lane is once the one that runs alone. `--seeds` compares four seeds of one lane's settings instead.
 */
import { expect } from '@playwright/test';
import { parseArgs } from 'node:util';
import type { FileType } from '../../bench/lib/bench-models.ts';
import { ComparePage } from '../pages/compare.ts';
import type { RunningApp } from '../support/app.ts';
import { fileTypes, hostNamed, loadSmolLM2, POLLING_MS, quantile, spread, withApp } from './support.ts';

const PROMPT = 'Explain temperature and top-k sampling to a beginner, at length.';
const LANES = 4;
/** Of a run, on a busy computer. */
const RUN_TIMEOUT_MS = 120_000;

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: 'electron' },
    files: { type: 'string', default: 'Q4_1,Q8_0' },
    rounds: { type: 'string', default: '12' },
    tokens: { type: 'string', default: '128' },
    seeds: { type: 'boolean', default: false },
  },
});
const host = hostNamed(values.host);
const [rounds, tokens] = [Number(values.rounds), Number(values.tokens)];

console.log('Tokens per second, and their ratio: medians, and quartiles in brackets.');
console.log('| file | one lane | four lanes | ratio |');
console.log('| ---- | -------: | ---------: | ----: |');
for (const type of fileTypes(values.files)) await withApp(host, (app) => measure(app, type));

async function measure(app: RunningApp, type: FileType): Promise<void> {
  await loadSmolLM2(app, type, tokens);
  const compare = new ComparePage(app.page, POLLING_MS);
  await compare.show();
  if (values.seeds) {
    await compare.id('lane-sets').click();
    await app.page.getByRole('menuitem', { name: 'Seed ladder' }).click();
  }
  await expect(compare.lanes).toHaveCount(LANES);
  const all = async () => {
    await compare.compare(PROMPT, RUN_TIMEOUT_MS);
    let sum = 0;
    for (let lane = 0; lane < LANES; lane++) sum += await rateOf(compare, lane);
    return sum;
  };
  const alone = async (lane: number) => {
    await compare.menu(lane, 'lane-rerun');
    await expect(compare.lane(lane).getByTestId('lane-stop')).toHaveCount(0);
    await compare.finished(RUN_TIMEOUT_MS);
    return await rateOf(compare, lane);
  };
  // Warm-up of compilers and caches.
  await all();
  await alone(0);
  const [ones, fours, ratios]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    const lane = round % LANES;
    // The order changes, so that neither is always first.
    const isFirst = round % 2 === 0;
    const before = isFirst ? await alone(lane) : null;
    const four = await all();
    const one = before ?? (await alone(lane));
    ones.push(one);
    fours.push(four);
    ratios.push(four / one);
  }
  console.log(`| ${type} | ${spread(ones, 0)} | ${spread(fours, 0)} | ${spread(ratios, 2)} |`);
  for (let lane = 0; lane < LANES; lane++) {
    const own = ratios.filter((_, round) => round % LANES === lane);
    if (own.length > 0) console.error(`${type}, lane ${lane + 1} alone: ratio ${quantile(own, 0.5).toFixed(2)}`);
  }
}

async function rateOf(compare: ComparePage, lane: number): Promise<number> {
  const figure = compare.lane(lane).locator('[data-figure="rate"]');
  const rate = Number.parseFloat(((await figure.textContent()) ?? '').replaceAll(',', ''));
  if (!(rate > 0)) throw new Error(`Lane ${lane + 1} reports no rate: ${await compare.lane(lane).textContent()}`);
  return rate;
}
