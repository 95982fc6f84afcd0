/** What has the focus in Compare after its control is gone, and what a person must not see, or would not expect. */
import { storedComparison } from '../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { ModelsPage } from './pages/models.ts';
import { NotebookPage } from './pages/notebook.ts';
import { expectNoViolations } from './support/axe.ts';
import { expect, test } from './support/test.ts';

const PROMPT = 'Lily found a small door in the garden.';

async function limit(compare: ComparePage, tokens: number): Promise<void> {
  await compare.id('compare-limit').fill(String(tokens));
  await compare.id('compare-limit').press('Enter');
}

test('the focus stays in a lane whose button is gone, or disabled', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  const { keyboard } = app.page;
  const run = storedComparison({ id: 'focus' });
  const [{ facts }] = run.lanes[0].replies;
  facts.stop = { reason: 'error', tokens: 5, error: { code: 'INTERNAL', message: 'It broke.', details: {} } };
  await app.services.invoke('comparisonWrite', { comparison: run, origin: 'test' });
  await compare.show();
  await compare.id('open-runs').click();
  await compare.id('run-item').click();
  await expect(compare.lanes).toHaveCount(2);

  const [first, second] = [compare.lane(0), compare.lane(1)];
  await second.getByTestId('next-sample').focus();
  await keyboard.press('Enter');
  await expect(second.getByTestId('sample')).toHaveText('2 / 2');
  await expect(second.getByTestId('previous-sample')).toBeFocused();
  // Another window may be generating it.
  await expect(second.getByTestId('lane-stop')).toHaveText('Not finished when it was saved');
  await keyboard.press('Enter');
  await expect(second.getByTestId('sample')).toHaveText('1 / 2');
  await expect(second.getByTestId('next-sample')).toBeFocused();

  await limit(compare, 8);
  await first.getByTestId('lane-run-failed').focus();
  await keyboard.press('Enter');
  await expect(compare.text(0)).toBeFocused();
  await compare.finished();
  await second.getByTestId('lane-run-changed').focus();
  await keyboard.press('Enter');
  await expect(compare.text(1)).toBeFocused();
  await compare.finished();
  await expect(compare.text(1)).toBeFocused();
});

test('the row beside a deleted run takes the focus, and a held key deletes one', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  const { keyboard } = app.page;
  for (const day of [1, 2, 3, 4]) {
    const updatedAt = `2026-01-0${day}T00:00:00.000Z`;
    const comparison = storedComparison({ id: `focus-${day}`, title: `Run ${day}`, createdAt: updatedAt, updatedAt });
    await app.services.invoke('comparisonWrite', { comparison, origin: 'test' });
  }
  await compare.show();
  await compare.id('open-runs').click();
  const rows = compare.id('run-item');
  await expect(rows).toHaveCount(4);
  await rows.nth(1).focus();
  await keyboard.down('Delete');
  await expect(rows.filter({ hasText: 'Run 2' })).toBeFocused();
  // The key repeats.
  await keyboard.down('Delete');
  await keyboard.up('Delete');
  await expect(rows).toHaveText([/Run 4/, /Run 2/, /Run 1/]);
  for (const [left, focused] of [
    [2, 'Run 1'],
    [1, 'Run 4'],
  ] as const) {
    await keyboard.press('Delete');
    await expect(rows).toHaveCount(left);
    await expect(rows.filter({ hasText: focused })).toBeFocused();
  }
  await keyboard.press('Delete');
  await expect(rows).toHaveCount(0);
  await expect(compare.id('open-run-file')).toBeFocused();
});

test(
  'in a narrow window, tabs do not show which lane is which in a blind vote',
  { tag: '@full' },
  async ({ app: { page } }) => {
    const compare = new ComparePage(page);
    const { keyboard } = page;
    const tab = (at: number) => compare.id('lane-tab').nth(at);
    const narrow = () => page.setViewportSize({ width: 480, height: 640 });
    const isChosen = async (at: number) => {
      await expect(tab(at)).toHaveAttribute('aria-selected', 'true');
      await expect(compare.lane(0)).toHaveAccessibleName(`Text ${at + 1}`);
    };
    const round = async (number: number) => {
      await expect(page.getByText(`Round ${number}.`)).toBeVisible();
      await expect(compare.id('vote-tie')).toBeEnabled();
    };
    await compare.show();
    await limit(compare, 8);
    // A lane that was chosen by its name.
    await narrow();
    await tab(2).click();
    await expect(compare.lane(0)).toHaveAccessibleName(/^Lane C/);
    await page.setViewportSize({ width: 1280, height: 800 });
    await compare.id('mode-blind').click();
    await compare.run(PROMPT);
    await round(1);
    await narrow();
    await isChosen(0);
    await tab(2).click();
    await isChosen(2);
    // Neither the choice nor the focus moves with the lane.
    await keyboard.press('s');
    await round(2);
    await isChosen(2);
    await expect(tab(2)).toBeFocused();
    await expectNoViolations(page, 'a blind vote at 480 px');
    await keyboard.press('3');
    await expect(compare.id('vote-result')).toHaveText(/^You chose [A-D], .+\.$/);
    await expect(tab(2)).toHaveAttribute('aria-selected', 'true');
    await expect(compare.id('vote-next')).toBeFocused();
    await keyboard.press('Enter');
    await round(3);
    await isChosen(0);
    // So that the next keys are votes.
    await expect(compare.id('vote-question')).toBeFocused();
    await compare.id('vote-skip').focus();
    await keyboard.press('Enter');
    await round(4);
    await expect(compare.id('vote-question')).toBeFocused();
  },
);

test('the settings of a lane say that it is run again with the previous prompt', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  await compare.show();
  await limit(compare, 8);
  await compare.compare(PROMPT);
  await compare.id('compare-prompt').fill('Another prompt');
  await compare.lane(1).getByTestId('lane-settings').click();
  await expect(compare.id('drawer-run')).toHaveAttribute('title', 'Uses the previous prompt');
  await compare.id('lane-tab-prompt').click();
  await expect(compare.id('lane-prompt-note')).toBeVisible();
  await expect(compare.id('rendered-chat')).toContainText(PROMPT);
});

test('a lane becomes a chat while a notebook is open', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  const chat = new ChatPage(app.page);
  const notebook = new NotebookPage(app.page);
  await chat.ready();
  await notebook.open();
  await app.page.keyboard.type('Once upon a time');
  await compare.show();
  await limit(compare, 8);
  await compare.compare(PROMPT);
  await compare.menu(1, 'lane-apply');
  await expect(compare.id('toast')).toContainText('Settings applied to the notebook');
  await compare.menu(1, 'lane-open-chat');
  await expect(chat.id('user-turn')).toHaveCount(1);
  await expect(chat.id('user-turn')).toContainText(PROMPT);
  await expect(notebook.text).toHaveCount(0);
  await expect(chat.id('composer')).toBeFocused();
});

test('without a model, every ready-made set needs one', { tag: '@full' }, async ({ app }) => {
  const compare = new ComparePage(app.page);
  const models = new ModelsPage(app);
  await new ChatPage(app.page).ready();
  await models.show();
  await models.card('TinyTransformer').getByTestId('unload-model').click();
  await expect(compare.id('engine-state')).toHaveAttribute('data-state', 'empty');
  await compare.id('nav-compare').click();
  await compare.id('lane-sets').click();
  for (const set of ['temperatures', 'models']) {
    await expect(compare.id(`lane-set-${set}`)).toContainText('needs a model');
  }
});
