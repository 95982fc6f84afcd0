/**
 * Measures branching in the middle of a long reply of SmolLM2 in the app:
 *
 *     npx tsx e2e/measure/branch.ts [--host electron|web] [--files Q4_1,Q8_0] [--branches 12]
 *
 * From the click on a candidate to the first new token in the page; the token before it is the chosen candidate. And until
 * the tokens before it are elements again, too: those near the visible part become elements a few per frame. The engine's
 * test (`branch.model.test.ts`) asserts that everything before is reused.
 */
import { expect, type Locator } from '@playwright/test';
import { parseArgs } from 'node:util';
import type { FileType } from '../../bench/lib/bench-models.ts';
import type { RunningApp } from '../support/app.ts';
import { fileTypes, hostNamed, loadSmolLM2, spread, withApp } from './support.ts';

const PROMPT = 'Explain temperature and top-k sampling to a beginner, at length.';
const REPLY_TOKENS = 500;
const MIDDLE = 250;
/** Of each branch, which is generated to its end before the next begins. */
const BRANCH_TOKENS = 8;

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: 'electron' },
    files: { type: 'string', default: 'Q4_1,Q8_0' },
    branches: { type: 'string', default: '12' },
  },
});
const host = hostNamed(values.host);

console.log(`Branches at token ${MIDDLE} of ${REPLY_TOKENS}, in ms: medians, and quartiles in brackets.`);
console.log('| file | click to first new token | to all tokens before it, too |');
console.log('| ---- | -----------------------: | ---------------------------: |');
for (const type of fileTypes(values.files)) await withApp(host, (app) => measure(app, type));

async function measure(app: RunningApp, type: FileType): Promise<void> {
  const chat = await loadSmolLM2(app, type, REPLY_TOKENS);
  // Every token has an element, also those that are Markdown's syntax.
  await app.services.invoke('settingsSet', { rawReplies: true });
  await chat.send(PROMPT);
  const stopped = chat.lastStop.and(app.page.locator('[data-reason="max_tokens"]'));
  await expect(stopped).toBeVisible({ timeout: 120_000 });
  await chat.id('view-tokens').click();
  const tokens = chat.lastReply.getByTestId('token');
  await expect(tokens).toHaveCount(REPLY_TOKENS);
  const text = () => chat.lastReply.getByTestId('reply-text').evaluate((body) => body.textContent);
  const old = await text();
  await chat.set('maxTokens', BRANCH_TOKENS);
  const times: Times[] = [];
  for (let branch = 0; branch < Number(values.branches); branch++) {
    await tokens.nth(MIDDLE + branch).click();
    const candidates = chat.id('token-popover').getByRole('list', { name: 'Candidates' }).getByRole('button');
    await expect(candidates.nth(3)).toBeVisible();
    times.push(await timesOf(candidates.nth(2), MIDDLE + branch));
    await expect(tokens).toHaveCount(MIDDLE + branch + 1 + BRANCH_TOKENS);
    await expect(chat.lastStop).toHaveAttribute('data-reason', 'max_tokens');
    // Back to the first version, which must be unchanged.
    const previous = chat.lastReply.getByRole('button', { name: 'Previous version' });
    while (await previous.isEnabled()) await previous.click();
    await expect(tokens).toHaveCount(REPLY_TOKENS);
    if ((await text()) !== old) throw new Error('The old version changed.');
  }
  const [firsts, alls] = [times.map(({ first }) => first), times.map(({ all }) => all)];
  console.log(`| ${type} | ${spread(firsts, 0)} | ${spread(alls, 0)} |`);
  console.error(`${type}: ${times.map(({ first, all }) => `${first.toFixed(0)}/${all.toFixed(0)}`).join(', ')}`);
}

/** Times after a click on a candidate, ms. */
interface Times {
  /** Until the token after the chosen one is in the page. */
  first: number;
  /** Until the tokens before it are elements again, too. */
  all: number;
}

/** Clicks a candidate in place of the token `index`. */
function timesOf(candidate: Locator, index: number): Promise<Times> {
  return candidate.evaluate(
    (button: HTMLElement, before) =>
      new Promise<Times>((resolve) => {
        const lastReply = () => [...document.querySelectorAll('[data-testid="reply"]')].at(-1);
        const old = lastReply();
        const from = performance.now();
        button.click();
        let branched = false;
        let first: number | null = null;
        const look = () => {
          const reply = lastReply();
          const count = reply?.querySelectorAll('[data-testid="token"]').length ?? 0;
          const added = reply?.querySelector(`[data-testid="token"][data-index="${before + 1}"]`) ?? null;
          if (reply !== old && added !== null) first ??= performance.now() - from;
          // First the new version has fewer tokens than the old one.
          if (count <= before + 1) branched = true;
          else if (branched || count <= before + 9) {
            const all = performance.now() - from;
            return void resolve({ first: first ?? all, all });
          }
          requestAnimationFrame(look);
        };
        look();
      }),
    index,
  );
}
