import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { saveOffered } from './support/saved-file.ts';
import { storedLanes } from './support/stored-runs.ts';
import { expect, test, type RunningApp } from './support/test.ts';

const PROMPT = 'Lily found a small door in the garden.';

/** Ids of the first reply of each lane of a stored run, by the place of the run in the list. */
async function storedIds(app: RunningApp, at: number, count: number): Promise<number[][]> {
  return (await storedLanes(app, at, count)).map(({ replies }) => replies[0].tokens.ids);
}

test(
  'an exported run is opened in a fresh app and gives the same tokens again',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const compare = new ComparePage(app.page);
    await compare.show();
    await compare.id('compare-limit').fill('24');
    await compare.id('compare-limit').press('Enter');
    await compare.compare(PROMPT);
    const ids = await storedIds(app, 0, 1);
    expect(ids).toHaveLength(4);
    const path = join(dataDir, 'run.tokenscope');
    await compare.id('export-menu').click();
    const name = await saveOffered(app, path, () => compare.id('export-tokenscope').click());
    expect(name).toMatch(/\.tokenscope$/);
    // Another copy of the app does not have this run.
    await compare.id('open-runs').click();
    await compare.id('run-item').hover();
    await compare.id('run-delete').click();
    await expect(compare.id('run-item')).toHaveCount(0);
    await app.restart();

    const other = new ComparePage(app.page);
    await other.show();
    await other.id('open-runs').click();
    await other.id('run-file').setInputFiles(path);
    await expect(other.id('compare-prompt')).toHaveValue(PROMPT);
    await expect(other.id('lane-stop')).toHaveCount(4);
    await expect(other.id('file-problem')).toHaveCount(0);
    expect(await storedIds(app, 0, 1)).toEqual(ids);
    await other.compare(PROMPT);
    expect(await storedIds(app, 0, 2)).toEqual(ids);
  },
);

test('a lane can have another executor, and then gives the same greedy text', { tag: '@full' }, async ({ app }) => {
  test.slow();
  const compare = new ComparePage(app.page);
  await new ChatPage(app.page).ready();
  await compare.showTwoExecutors('reference');
  await expect(compare.lane(1).getByTestId('lane-note')).toHaveText('Runs after A, because it needs another executor.');
  await compare.compare(PROMPT);
  await expect(compare.id('lane-stop')).toHaveCount(2);
  const [first, other] = await storedIds(app, 0, 1);
  expect(other).toEqual(first);
  await expect(compare.id('same-as').nth(1)).toHaveText(`all ${first.length}`);
});
