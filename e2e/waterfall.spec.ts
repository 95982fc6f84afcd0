import { ChatPage } from './pages/chat.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { expect, test } from './support/test.ts';
import type { Locator } from '@playwright/test';

const PROMPT = 'Hello world';
/** More than one survivor at most tokens. */
const SEED = 42;

/** A reply in the tokens view, drawn with a known seed. */
async function reply(chat: ChatPage): Promise<void> {
  await chat.ready();
  await chat.openPanel('sampling');
  await chat.set('seed', SEED);
  await chat.set('temperature', 1.2);
  await chat.ask(PROMPT);
  await chat.id('view-tokens').click();
}

/** Opens the dialog from a token's popover. */
async function open(chat: ChatPage, index: number): Promise<Locator> {
  await chat.lastReply.getByTestId('token').nth(index).click();
  await chat.id('explain-draw').click();
  const dialog = chat.id('waterfall');
  await expect(dialog.getByTestId('waterfall-table')).toBeVisible();
  return dialog;
}

/** Waits until the answer shown is for the present token and settings. */
async function answered(dialog: Locator): Promise<void> {
  await expect(dialog.getByTestId('waterfall-answer')).toHaveAttribute('aria-busy', 'false');
}

const picked = (dialog: Locator): Promise<string | null> => dialog.getByTestId('draw-line').getAttribute('data-picked');
const random = (dialog: Locator): Promise<string | null> => dialog.getByTestId('draw-line').getAttribute('data-random');

test('shows how a token was drawn, and what other settings would have drawn', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await reply(chat);
  const dialog = await open(chat, 3);
  const stages = dialog.getByTestId('waterfall-stage');
  await expect(stages).toContainText(['Scores7,998', 'Top-k40', 'Top-p', 'Min-p', 'Temperature', 'Pick1']);
  await expect(dialog.getByTestId('waterfall-differs')).toHaveCount(0);
  const row = dialog.locator('[data-testid="waterfall-row"][data-picked]');
  await expect(row).toHaveCount(1);
  await expect(row).toContainText('picked');
  await expect(dialog).toContainText('not in top 40');
  await expectNoViolations(app.page, 'how a token was drawn');

  // Every token of the reply is drawn again as it was.
  for (const at of [5, 1, 2]) {
    await dialog.getByTestId('waterfall-token').fill(String(at));
    await dialog.getByTestId('waterfall-token').press('Enter');
    await answered(dialog);
    await expect(dialog.getByTestId('draw-line')).toContainText(new RegExp(`for token ${at}|does not matter`));
    await expect(dialog.getByTestId('waterfall-differs')).toHaveCount(0);
  }

  // The same number with other settings; greedy takes the first row.
  const before = { id: await picked(dialog), random: await random(dialog) };
  await dialog.getByTestId('setting-temperature').fill('0');
  await dialog.getByTestId('setting-temperature').press('Enter');
  await answered(dialog);
  await expect(dialog.getByTestId('what-if-result')).toContainText(/instead of|Still draws/);
  await expect(dialog.getByTestId('draw-line')).toContainText('does not matter');
  expect(await random(dialog)).toBe(before.random);
  await expect(dialog.getByTestId('waterfall-row').first()).toHaveAttribute('data-picked', 'true');
  await dialog.getByTestId('what-if-reset').click();
  await expect(dialog.getByTestId('draw-line')).toHaveAttribute('data-picked', before.id ?? '');

  // Another number.
  await dialog.getByTestId('draw-again').click();
  await expect(dialog.getByTestId('draw-line')).not.toHaveAttribute('data-random', before.random ?? '');
  await dialog.getByTestId('what-if-reset').click();
  await expect(dialog.getByTestId('draw-line')).toHaveAttribute('data-random', before.random ?? '');

  // The chat takes the settings over only when asked.
  await dialog.getByTestId('setting-topK').fill('7');
  await dialog.getByTestId('setting-topK').press('Enter');
  await dialog.getByTestId('what-if-apply').click();
  await app.page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(chat.id('setting-topK')).toHaveValue('7');
});

test('tokens before a branch are drawn as those of the other version', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await reply(chat);
  await chat.set('seed', SEED + 1);
  await chat.lastReply.getByTestId('token').nth(4).click();
  const candidates = chat.id('token-popover').getByRole('list', { name: 'Candidates' }).getByRole('listitem');
  await candidates.nth(1).getByRole('button').click();
  await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('branched at token 5');
  await chat.finished();
  const dialog = await open(chat, 3);
  for (const at of [4, 1, 2, 3]) {
    await dialog.getByTestId('waterfall-token').fill(String(at));
    await dialog.getByTestId('waterfall-token').press('Enter');
    await answered(dialog);
    await expect(dialog.getByTestId('setting-seed')).toHaveValue(String(SEED));
    await expect(dialog.getByTestId('waterfall-differs')).toHaveCount(0);
  }
});

test('what if draws what a real reply has', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await reply(chat);
  const dialog = await open(chat, 0);
  await dialog.getByTestId('setting-topK').fill('3');
  await dialog.getByTestId('setting-topK').press('Enter');
  await dialog.getByTestId('setting-temperature').fill('2');
  await dialog.getByTestId('setting-temperature').press('Enter');
  await expect(dialog.getByTestId('waterfall-stage').nth(1)).toContainText('Top-k3');
  await answered(dialog);
  const drawn = await dialog.locator('[data-testid="waterfall-row"][data-picked] th').textContent();
  await dialog.getByTestId('what-if-apply').click();
  await app.page.keyboard.press('Escape');
  await chat.id('view-text').click();
  await chat.newChat();
  const { text } = await chat.ask(PROMPT);
  expect(text.replaceAll(' ', '')).toMatch(new RegExp(`^${drawn?.trim().replace(/^·/, '')}`));
});

test('works by keyboard, and gives the focus back', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { keyboard } = app.page;
  await reply(chat);
  await chat.lastText.focus();
  await keyboard.press('ArrowRight');
  await keyboard.press('ArrowRight');
  await keyboard.press('h');
  const dialog = chat.id('waterfall');
  const token = dialog.getByTestId('waterfall-token');
  await expect(token).toBeFocused();
  await expect(token).toHaveValue('2');
  await keyboard.press('Alt+ArrowRight');
  await expect(token).toHaveValue('3');
  await expect(app.page.getByTestId('live-region')).toContainText('Token 3:');
  await keyboard.press('Alt+ArrowLeft');
  await keyboard.press('ArrowDown');
  await expect(token).toHaveValue('1');
  // Then the next token, another draw, the table, and the settings.
  await keyboard.press('Tab');
  await expect(dialog.getByTestId('waterfall-next')).toBeFocused();
  await keyboard.press('Tab');
  await expect(dialog.getByTestId('draw-again')).toBeFocused();
  await keyboard.press('Tab');
  await expect(dialog.getByRole('region', { name: 'Candidates and stages' })).toBeFocused();
  await keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(chat.lastText).toBeFocused();
});

test('has no accessibility violation, wide and narrow', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await reply(chat);
  const dialog = await open(chat, 2);
  await expectNoViolations(app.page, 'waterfall');
  await expectNoViolationsIn(['dark', 'contrast'], app.page, 'waterfall');
  await dialog.getByTestId('setting-temperature').fill('0.3');
  await dialog.getByTestId('setting-temperature').press('Enter');
  await expect(dialog.getByTestId('what-if-apply')).toBeVisible();
  await expectNoViolations(app.page, 'waterfall with changed settings');

  await app.page.setViewportSize({ width: 480, height: 800 });
  await expect(dialog.getByTestId('draw-line')).toBeVisible();
  const overflow = () => dialog.evaluate((element) => element.scrollWidth - element.clientWidth);
  expect(await overflow()).toBe(0);
  await expectNoViolations(app.page, 'waterfall at 480 px');
});
