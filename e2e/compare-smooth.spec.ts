import type { Page } from '@playwright/test';
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { longestTask, type TaskTime } from './support/task-time.ts';
import { expect, test, type RunningApp } from './support/test.ts';

const PROMPT = 'Lily found a small door in the garden.';
/** Tries of which one must be smooth: a busy machine delays any of them. */
const TRIES = 3;
/** Longest task in the page, ms, from its beginning to its end. Its processor time tells whether the page is the cause. */
const LONGEST_TASK_MS = 100;
/** 24,000 tokens and the drawing of them, if every try is needed. */
const TIMEOUT_MS = 600_000;

/** Waits, frame by frame. An assertion that fails at first describes the whole page, in a task of the page. */
async function seen<T>(page: Page, condition: (value: T) => boolean, value?: T): Promise<void> {
  await page.waitForFunction(condition as (value: unknown) => boolean, value);
}

/** Fails unless one of several tries is smooth. */
async function expectSmooth(app: RunningApp, what: string, work: () => Promise<void>): Promise<void> {
  const tries: TaskTime[] = [];
  while (tries.length < TRIES && !tries.some(({ wall }) => wall <= LONGEST_TASK_MS)) {
    tries.push(await longestTask(app, work));
  }
  const times = tries.map(({ cpu, wall }) => `${wall.toFixed(0)} ms, processor ${cpu.toFixed(0)} ms`);
  console.log(`longest task, ${what}: ${times.join('; ')}`);
  expect(Math.min(...tries.map(({ wall }) => wall)), what).toBeLessThanOrEqual(LONGEST_TASK_MS);
}

test('eight lanes of 1,000 tokens have no long tasks', { tag: ['@alone', '@full'] }, async ({ app }) => {
  test.setTimeout(TIMEOUT_MS);
  const compare = new ComparePage(app.page);
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.endless();
  await compare.show();
  await compare.id('lane-sets').click();
  await compare.id('lane-set-stages').click();
  await expect(compare.lanes).toHaveCount(8);

  await expectSmooth(app, 'while all lanes stream and one scrolls, and at their end', async () => {
    await compare.run(PROMPT);
    await seen(app.page, () => document.querySelectorAll('[data-testid="lane-text"]').length === 8);
    await compare.text(2).hover();
    while ((await compare.id('compare-stop').count()) > 0) {
      await app.page.mouse.wheel(0, -200);
      await app.page.waitForTimeout(50);
    }
    await compare.finished();
    // The run is stored now.
    await app.page.waitForTimeout(500);
  });
  for (let index = 0; index < 8; index++) expect(await compare.reason(index)).toBe('context_full');

  // Open another run in between, so that all texts are drawn anew.
  await compare.id('compare-limit').fill('8');
  await compare.id('compare-limit').press('Enter');
  await compare.compare('A second prompt');
  const open = async (prompt: string) => {
    await compare.id('open-runs').click();
    await compare.id('run-item').filter({ hasText: prompt }).first().click();
    await seen(
      app.page,
      (typed) =>
        document.querySelector<HTMLTextAreaElement>('[data-testid="compare-prompt"]')?.value === typed &&
        document.querySelectorAll('[data-testid="lane-stop"]').length === 8,
      prompt,
    );
  };
  await expectSmooth(app, 'when a stored run is opened and scrolled', async () => {
    await open('A second prompt');
    await open(PROMPT);
    // The visible part is drawn token by token, in several frames. A space at the beginning of a line has no width.
    await seen(app.page, () => {
      const last = [...document.querySelectorAll('[data-testid="lane-text"]')].at(-1);
      return (last?.querySelectorAll('[data-testid="token"]')[1]?.getClientRects().length ?? 0) > 0;
    });
    await compare.text(2).hover();
    for (let turn = 0; turn < 20; turn++) {
      await app.page.mouse.wheel(0, 400);
      await app.page.waitForTimeout(30);
    }
  });
});
