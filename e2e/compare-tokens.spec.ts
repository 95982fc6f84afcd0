/** The tokens of lanes, new or old: their candidates, branches, selections and colours, and verifying a reply. */
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { ComparePage } from './pages/compare.ts';
import { expectNoViolations } from './support/axe.ts';
import { saveAsked } from './support/saved-file.ts';
import { expect, test, type RunningApp } from './support/test.ts';

const PROMPT = 'Lily found a small door in the garden.';
const TOKENS = 24;

/** Lanes of the ready-made set, which have run. */
async function ranLanes(app: RunningApp): Promise<ComparePage> {
  const compare = new ComparePage(app.page);
  await compare.show();
  await compare.id('compare-limit').fill(String(TOKENS));
  await compare.id('compare-limit').press('Enter');
  await compare.compare(PROMPT);
  return compare;
}

const tokensOf = (compare: ComparePage, lane: number) => compare.text(lane).getByTestId('token');
/** Without the badge of the first difference. */
const textOf = (compare: ComparePage, lane: number) =>
  tokensOf(compare, lane).evaluateAll((tokens) => tokens.map((token) => token.textContent).join(''));
const candidatesOf = (compare: ComparePage) =>
  compare.id('token-popover').getByRole('list', { name: 'Candidates' }).getByRole('listitem');

/** Ids of all replies of a lane of the stored run. */
async function storedReplies(app: RunningApp, lane: number): Promise<number[][]> {
  const [{ id }] = await app.services.invoke('comparisonsList');
  const run = await app.services.invoke('comparisonRead', id);
  return (run?.lanes[lane]?.replies ?? []).map(({ tokens }) => tokens.ids);
}

test('a click on a candidate of a lane branches it: the reply stays, also after a restart', async ({ app }) => {
  const compare = await ranLanes(app);
  await expect(tokensOf(compare, 0)).toHaveCount(TOKENS);
  // A short reply may be plain text at first. It is then split into all of its tokens at once.
  for (const lane of [1, 2, 3]) await expect(tokensOf(compare, lane)).not.toHaveCount(0);
  const before = await textOf(compare, 0);
  const others = await Promise.all([1, 2, 3].map((lane) => textOf(compare, lane)));
  await tokensOf(compare, 0).nth(10).click();
  await expect(candidatesOf(compare)).toHaveCount(20);
  // The greedy chain leaves one, and each of the others says what removed it.
  for (const row of await candidatesOf(compare).all()) await expect(row).not.toContainText('cut');
  await candidatesOf(compare).nth(2).getByRole('button').click();

  const lane = compare.lane(0);
  await expect(lane.getByTestId('sample')).toHaveText('2 / 2');
  await expect(lane.getByTestId('lane-branch')).toHaveText(/^Branch at token\s*11$/);
  await compare.finished();
  // The chosen token does not count towards the limit.
  await expect(tokensOf(compare, 0)).toHaveCount(10 + 1 + TOKENS);
  const branch = await textOf(compare, 0);
  expect(branch.slice(0, 20)).toBe(before.slice(0, 20));
  expect(await Promise.all([1, 2, 3].map((index) => textOf(compare, index)))).toEqual(others);
  await expect.poll(async () => (await storedReplies(app, 0)).length).toBe(2);
  const [first, second] = await storedReplies(app, 0);
  expect(second.slice(0, 10)).toEqual(first.slice(0, 10));
  expect(second[10]).not.toBe(first[10]);
  await lane.getByTestId('previous-sample').click();
  await expect(tokensOf(compare, 0)).toHaveCount(TOKENS);
  expect(await textOf(compare, 0)).toBe(before);
  await expectNoViolations(app.page, 'a lane with a branch');

  await app.restart();
  const again = new ComparePage(app.page);
  await again.show();
  await again.id('open-runs').click();
  await again.id('run-item').click();
  await expect(tokensOf(again, 0)).toHaveCount(TOKENS);
  expect(await textOf(again, 0)).toBe(before);
  await again.lane(0).getByTestId('next-sample').click();
  await expect(again.lane(0).getByTestId('lane-branch')).toHaveText(/^Branch at token\s*11$/);
  await expect(tokensOf(again, 0)).toHaveCount(10 + 1 + TOKENS);
  expect(await textOf(again, 0)).toBe(branch);
  // Candidates are not stored: they are computed again, and a branch begins from them, too.
  await tokensOf(again, 0).nth(5).click();
  await expect(candidatesOf(again)).toHaveCount(20);
  await expect(again.id('recomputed')).toHaveText('Recomputed');
  await candidatesOf(again).nth(1).getByRole('button').click();
  await expect(again.lane(0).getByTestId('sample')).toHaveText('3 / 3');
  await again.finished();
  expect(await again.reason(0)).not.toBe('error');
  await expect(again.lane(0).getByTestId('lane-branch')).toHaveText(/^Branch at token\s*6$/);
});

test('a lane is branched by keyboard, and opened as a chat with both versions', { tag: '@full' }, async ({ app }) => {
  const compare = await ranLanes(app);
  const { keyboard } = app.page;
  await compare.text(1).focus();
  await keyboard.press('Home');
  for (let step = 0; step < 4; step++) await keyboard.press('ArrowRight');
  await keyboard.press('Enter');
  await expect(candidatesOf(compare)).toHaveCount(20);
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowDown');
  await expect(app.page.getByTestId('live-region')).toContainText(/Candidate 2 of 20: .+ likely/);
  await keyboard.press('Enter');
  await expect(compare.lane(1).getByTestId('lane-branch')).toHaveText(/^Branch at token\s*5$/);
  await compare.finished();
  // The focus is on the new reply, so that it goes on from there.
  await expect(compare.text(1)).toBeFocused();
  await keyboard.press('Home');
  await keyboard.press('ArrowRight');
  await keyboard.press('b');
  await expect(compare.lane(1).getByTestId('sample')).toHaveText('3 / 3');
  await compare.finished();
  await expect(compare.lane(1).getByTestId('lane-branch')).toHaveText(/^Branch at token\s*2$/);
  await compare.lane(1).getByTestId('previous-sample').click();
  await compare.menu(1, 'lane-open-chat');
  const versions = app.page
    .getByTestId('reply')
    .last()
    .getByRole('group', { name: /^Version/ });
  await expect(versions).toContainText('2 / 2');
});

test('tokens of lanes are selected, and coloured by what was chosen', { tag: '@full' }, async ({ app }) => {
  const compare = await ranLanes(app);
  const { keyboard } = app.page;
  await compare.text(0).focus();
  await keyboard.press('Home');
  for (let step = 0; step < 2; step++) await keyboard.press('Shift+ArrowRight');
  await expect(compare.id('span-card')).toContainText(`3 of ${TOKENS} tokens`);
  await expect(compare.id('span-card')).toContainText(/Share of the reply’s surprisal\s*[\d.]+\s%/);
  await keyboard.press('Escape');
  await expect(compare.id('span-card')).toHaveCount(0);
  // Shared text has no colour, so lane B is the first with all of its own.
  const tinted = (scale: 'p' | 's') => compare.text(3).locator(`[data-testid="token"][data-${scale}]`);
  await expect(tinted('p')).not.toHaveCount(0);
  const own = await tinted('p').count();
  await compare.id('colour-by').selectOption('surprisal');
  await expect(tinted('s')).toHaveCount(own);
  await expect(tinted('p')).toHaveCount(0);
  await compare.id('colour-by').selectOption('entropy');
  await expect(compare.lane(3).getByTestId('colour-basis')).toHaveText('Entropy recomputed');
  await expect(tinted('s')).toHaveCount(own);
  await expectNoViolations(app.page, 'lanes by entropy');
  await compare.id('colour-by').selectOption('doubtful');
  await compare.id('doubt-below').fill('30');
  await compare.id('doubt-below').press('Enter');
  await expect.poll(() => tinted('p').count()).toBeLessThan(own);
  await app.page.setViewportSize({ width: 480, height: 640 });
  await compare.id('lane-tab').nth(3).click();
  await compare.id('colour-by').selectOption('probability');
  await expect(compare.text(0).locator('[data-testid="token"][data-p]')).toHaveCount(own);
  expect(await app.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(480);
});

test('a reply of a lane is verified, and its receipt is saved', { tag: '@full' }, async ({ app, dataDir }) => {
  const compare = await ranLanes(app);
  await tokensOf(compare, 3).nth(6).click();
  await candidatesOf(compare).nth(3).getByRole('button').click();
  await expect(compare.lane(3).getByTestId('sample')).toHaveText('2 / 2');
  await compare.finished();
  for (const lane of [2, 3]) {
    await compare.menu(lane, 'lane-verify');
    await expect(compare.id('receipt-result')).toHaveText('Identical');
    await app.page.keyboard.press('Escape');
    await expect(compare.id('receipt-dialog')).toBeHidden();
  }
  const path = join(dataDir, 'lane.receipt.json');
  await saveAsked(app, path, () => compare.menu(3, 'lane-receipt'));
  await expect(compare.id('toast')).toContainText('Receipt saved');
  const args = [join(root, 'scripts/tokenscope.mjs'), 'verify', path];
  const verified = await capture(process.execPath, args, { env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir } });
  expect(verified.code, verified.stderr).toBe(0);
});
