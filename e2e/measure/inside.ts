/**
 * Measures the view Inside on a long text with SmolLM2:
 *
 *     npx tsx e2e/measure/inside.ts [--host electron] [--file Q4_1] [--words 1000]
 *
 * For each step the time from the click until everything on it is there: for a token of a chat that was just opened, for a
 * text that was just entered, when everything was computed ahead, and for another token or layer. Then frames while a key
 * is held, and, in Electron, the memory of the engine's and the page's process before, while and after the view is open:
 * what is left after it are pages of WebAssembly memory, which cannot be given back, and which the next run uses again.
 */
import { expect, type Locator } from '@playwright/test';
import { parseArgs } from 'node:util';
import { PAGES, type StepId } from '../../src-renderer/features/inside/steps.ts';
import { InsidePage } from '../pages/inside.ts';
import type { RunningApp } from '../support/app.ts';
import { words } from '../support/long-chats.ts';
import { memoryByKind, type ProcessMemory } from './memory-kinds.ts';
import { fileTypes, hostNamed, loadSmolLM2, quantile, withApp } from './support.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: 'electron' },
    file: { type: 'string', default: 'Q4_1' },
    words: { type: 'string', default: '1000' },
  },
});
/** Of running all tokens, on a busy computer. */
const RUN_TIMEOUT_MS = 300_000;
/** Nothing is asked for so long: what is computed ahead is done. */
const AHEAD_MS = 10_000;
/** Key presses while frames are counted. */
const PRESSES = 120;
/** Between looks at whether a step is open: looking in every frame would make the page draw every frame. */
const LOOK_MS = 20;
/** As a keyboard repeats, ms. */
const REPEAT_MS = 33;
/** After the view has closed, for the engine's answer and for allocators that return memory later. */
const RELEASE_MS = 3000;
const MIB = 2 ** 20;

const [type] = fileTypes(values.file);
if (type !== undefined) await withApp(hostNamed(values.host), (app) => measure(app, type));

async function measure(app: RunningApp, file: Parameters<typeof loadSmolLM2>[1]): Promise<void> {
  const { page } = app;
  const chat = await loadSmolLM2(app, file, 32);
  const rates = [await decodeRate(app)];
  const memory = new Map<string, readonly ProcessMemory[]>();
  const noteMemory = async (when: string) => {
    if (app.electron !== null) memory.set(when, await memoryByKind(app));
  };
  await noteMemory('before');
  const inside = new InsidePage(page);
  const steps = PAGES.map(({ id }) => id).filter((id) => id !== 'what-if');
  await chat.id('new-chat').click();
  await chat.ask(words(Number(values.words)).join(''));
  await chat.id('view-tokens').click();
  const ofChat = new Map<StepId, number>();
  for (const id of steps) {
    await page.keyboard.press('Control+1');
    await chat.lastReply.getByTestId('token').last().click();
    // The view opens with this step.
    const why = await timed(inside, () => chat.id('look-inside').click());
    ofChat.set(id, id === 'why' ? why : await timed(inside, () => inside.id(`step-${id}`).click()));
  }
  console.log(`Run of a chat: ${await count(inside)} tokens.`);
  await page.getByRole('button', { name: 'Use text instead' }).click();
  const cold = new Map<StepId, number>();
  for (const [at, id] of steps.entries()) {
    await enter(inside, at);
    cold.set(id, await timed(inside, () => inside.id(`step-${id}`).click()));
  }
  await enter(inside, steps.length);
  console.log(`Run of a text: ${await count(inside)} tokens.`);
  await page.waitForTimeout(AHEAD_MS);

  let cache = '';
  console.log(
    '\n| step | token of a chat, ms | text just entered, ms | computed ahead, ms | another token or layer, ms |',
  );
  console.log(
    '| ---- | ------------------: | --------------------: | -----------------: | -------------------------: |',
  );
  for (const id of steps) {
    const first = await timed(inside, () => inside.id(`step-${id}`).click());
    const next = await timed(inside, () => moveOn(inside, id));
    const all = [ofChat.get(id) ?? NaN, cold.get(id) ?? NaN, first, next];
    console.log(`| ${id} | ${all.map((ms) => ms.toFixed(0)).join(' | ')} |`);
    if (id === 'loop') cache = (await inside.id('cache-facts').textContent())?.replaceAll(/\s+/gu, ' ').trim() ?? '';
  }
  console.log(`\n${cache}`);
  await noteMemory('open');

  console.log('\n| held key | frames/s | slowest 5 %, ms |\n| -------- | -------: | --------------: |');
  await inside.step('attention');
  await settled(inside);
  const selected = selectedToken(inside);
  await report('along tokens', selected, 'ArrowLeft');
  const head = inside.id('all-heads').locator('[aria-checked="true"]');
  await report('along heads', head, 'ArrowRight');
  await inside.step('embed');
  await settled(inside);
  await report('along tokens, embeddings', selected, 'ArrowLeft');
  await inside.step('attention');
  await settled(inside);
  await report('along cells', inside.id('attention').getByTestId('picture-cells'), 'ArrowRight');

  await page.keyboard.press('Control+1');
  await chat.id('composer').waitFor();
  await page.waitForTimeout(RELEASE_MS);
  await noteMemory('after');
  if (memory.size > 0) reportMemory(memory);
  rates.push(await decodeRate(app));
  console.log(`Decoding: ${rates.map((rate) => `${rate.toFixed(1)} tok/s`).join(' before, ')} after.`);
}

function reportMemory(memory: ReadonlyMap<string, readonly ProcessMemory[]>): void {
  console.log('\n| memory, MB | all | WebAssembly | other anonymous | files | JS heap | array buffers |');
  console.log('| ---------- | --: | ----------: | --------------: | ----: | ------: | ------------: |');
  const shown = (bytes: number | null) => (bytes === null ? '' : (bytes / MIB).toFixed(0));
  for (const [when, processes] of memory) {
    for (const { process, total, wasm, anonymous, files, heap, arrays } of processes) {
      console.log(
        `| ${[`${process} ${when}`, ...[total, wasm, anonymous, files, heap, arrays].map(shown)].join(' | ')} |`,
      );
    }
  }
}

/** Enters a text that has no token in common with the one before, and returns as soon as its tokens are there. */
async function enter(inside: InsidePage, number: number): Promise<void> {
  await inside.step('tokenize');
  const letter = String.fromCharCode(65 + number);
  await inside.id('inside-text').fill(`${letter}${words(Number(values.words)).join('')} ${letter}`);
  // The last token is selected.
  await expect(selectedToken(inside)).toContainText(letter);
}

/** Tokens of the run; the last one is selected. */
async function count(inside: InsidePage): Promise<number> {
  return Number(await selectedToken(inside).getAttribute('data-token')) + 1;
}

function selectedToken(inside: InsidePage): Locator {
  return inside.id('inside-tokens').locator('[aria-checked="true"]');
}

/** Waits until nothing on the page is being computed. */
async function settled(inside: InsidePage, timeout = RUN_TIMEOUT_MS): Promise<void> {
  await inside.page.waitForFunction(
    () => {
      const page = document.querySelector('[data-testid="step-page"]');
      return (
        page !== null && page.querySelector('figure') !== null && page.querySelector('[aria-busy="true"]') === null
      );
    },
    undefined,
    { timeout, polling: LOOK_MS },
  );
}

async function timed(inside: InsidePage, act: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await act();
  await settled(inside);
  return performance.now() - from;
}

/** To something that was not computed before. */
async function moveOn(inside: InsidePage, step: StepId): Promise<void> {
  if (step === 'attention' || step === 'feed-forward' || step === 'layers' || step === 'position') {
    const layer = inside.id('inside-layer');
    const next = (Number(await layer.inputValue()) + 7) % (await layer.locator('option').count());
    await layer.selectOption(String(next));
    return;
  }
  // In another part of the run.
  const selected = Number(await selectedToken(inside).getAttribute('data-token'));
  await inside.tokens.nth((selected + 301) % (await inside.tokens.count())).click();
}

/** Holds a key on an element and counts the page's frames. */
async function report(name: string, target: Locator, key: string): Promise<void> {
  await target.focus();
  const page = target.page();
  await page.evaluate(() => {
    const times: number[] = [];
    Object.assign(globalThis, { frameTimes: times });
    const note = (time: number) => {
      // A later measurement has its own list.
      if ((globalThis as { frameTimes?: number[] }).frameTimes !== times) return;
      times.push(time);
      requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
  for (let press = 0; press < PRESSES; press++) {
    await page.keyboard.down(key);
    await page.waitForTimeout(REPEAT_MS);
  }
  await page.keyboard.up(key);
  const times = await page.evaluate(() => (globalThis as unknown as { frameTimes: number[] }).frameTimes);
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  const rate = (1000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0);
  console.log(`| ${name} | ${rate.toFixed(0)} | ${quantile(gaps, 0.95).toFixed(0)} |`);
}

/** Tokens per second of a short reply. */
async function decodeRate(app: RunningApp): Promise<number> {
  const { page } = app;
  await page.getByTestId('new-chat').click();
  await page.getByTestId('composer').fill('Tell me a story about a lighthouse.');
  await page.getByTestId('send').click();
  await expect(page.getByTestId('stop-reason').last()).toBeVisible({ timeout: 60_000 });
  const text = (await page.locator('[data-testid="reply"]').last().textContent()) ?? '';
  return Number(/([\d.]+)\s+tok\/s/u.exec(text)?.[1] ?? NaN);
}
