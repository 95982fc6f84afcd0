import { expect, test } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { storedComparison } from '../../../../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { blindVote } from '../../../../src-main/protocol/app/comparisons/votes.ts';
import { dataFolder, openStore, PageLine } from '../../chat/test-support/store.ts';
import { ComparisonsState } from './comparisons.svelte.ts';
import { lanesText, runName } from './run-texts.ts';

const RETRY_MS = 20;

async function openPage(folder?: string) {
  const line = new PageLine(await openStore(folder ?? (await dataFolder())));
  const runs = new ComparisonsState(line, RETRY_MS);
  await runs.refresh();
  return { line, runs };
}

/** Two pages of one app. */
async function twoPages() {
  const services = await openStore(await dataFolder());
  const [one, two] = [
    new ComparisonsState(new PageLine(services), RETRY_MS),
    new ComparisonsState(new PageLine(services)),
  ];
  await Promise.all([one.refresh(), two.refresh()]);
  return { one, two };
}

const titles = (runs: ComparisonsState) => runs.list.map(({ title }) => title);

test('a run is saved, changed, renamed, deleted and restored', async () => {
  const { runs } = await openPage();
  const run = storedComparison();
  expect(await runs.save(run)).toBe('run-1');
  expect(await runs.save({ ...run, pinned: 1 })).toBe('run-1');
  expect(await runs.read('run-1')).toMatchObject({ revision: 2, pinned: 1 });
  await runs.rename('run-1', 'Cats');
  expect(titles(runs)).toEqual(['Cats']);
  expect(await runs.read('run-1')).toMatchObject({ revision: 3, pinned: 1, title: 'Cats' });
  const undo = await runs.remove('run-1');
  expect(runs.list).toEqual([]);
  expect(await runs.read('run-1')).toBeNull();
  await undo?.();
  expect(titles(runs)).toEqual(['Cats']);
  expect(runs.error).toBeNull();
});

test('votes are counted over all runs', async () => {
  const { runs } = await openPage();
  const run = storedComparison();
  await runs.save({ ...run, votes: [blindVote(run.lanes, 1, run.updatedAt)] });
  await runs.save({ ...run, id: 'run-2', votes: [blindVote(run.lanes, null, run.updatedAt)] });
  expect(runs.votes).toMatchObject([
    { label: 'Temperature 1.5', shown: 2, won: 1, tied: 1 },
    { label: 'Greedy', shown: 2, won: 0, tied: 1 },
  ]);
});

test('a run that cannot be saved is kept, shown and saved as soon as possible', async () => {
  const { line, runs } = await openPage();
  line.failure = new EngineError('STORAGE', 'The disk is full.');
  await runs.save(storedComparison());
  expect(runs.unsaved).toEqual([{ id: 'run-1', problem: 'The disk is full.' }]);
  expect(titles(runs)).toEqual(['The cat']);
  expect(await runs.read('run-1')).toMatchObject({ title: 'The cat' });
  await runs.save(storedComparison({ title: 'Changed' }));
  line.failure = null;
  await expect.poll(() => runs.unsaved).toEqual([]);
  expect(await runs.read('run-1')).toMatchObject({ revision: 1, title: 'Changed' });
});

test('a refused run is not retried automatically', async () => {
  const { line, runs } = await openPage();
  await runs.save(storedComparison({ title: 'x'.repeat(2000) }));
  expect(runs.unsaved).toMatchObject([{ id: 'run-1', problem: expect.stringContaining('title') as string }]);
  await new Promise((resolve) => setTimeout(resolve, 3 * RETRY_MS));
  expect(line.calls.filter(({ method }) => method === 'comparisonWrite')).toHaveLength(1);
  await runs.save(storedComparison());
  expect(runs.unsaved).toEqual([]);
});

test('a lost answer does not make a copy', async () => {
  const { line, runs } = await openPage();
  line.lostAnswer = new EngineError('STORAGE', 'The host is gone.');
  await runs.save(storedComparison());
  line.lostAnswer = null;
  await runs.retry('run-1');
  expect(runs.unsaved).toEqual([]);
  await runs.refresh();
  expect(runs.list.map(({ id, revision }) => [id, revision])).toEqual([['run-1', 2]]);
});

test('changes during a write are combined', async () => {
  const { line, runs } = await openPage();
  const saves = ['a', 'b', 'c'].map((title) => runs.save(storedComparison({ title })));
  expect(await Promise.all(saves)).toEqual(['run-1', 'run-1', 'run-1']);
  expect(await runs.read('run-1')).toMatchObject({ title: 'c' });
  expect(line.calls.filter(({ method }) => method === 'comparisonWrite').length).toBeLessThan(3);
});

test('other pages hear of changes, and a conflict becomes a copy', async () => {
  const { one, two } = await twoPages();
  await one.save(storedComparison());
  expect(titles(two)).toEqual(['The cat']);
  await two.read('run-1');
  await one.save(storedComparison({ title: 'From one' }));
  expect(titles(two)).toEqual(['From one']);
  const copy = await two.save(storedComparison({ title: 'From two' }));
  expect(copy).not.toBe('run-1');
  expect(await two.save(storedComparison({ id: copy, title: 'Later' }))).toBe(copy);
  expect(titles(one).toSorted()).toEqual(['From one', 'Later']);
  expect(titles(two).toSorted()).toEqual(['From one', 'Later']);
  await one.remove('run-1');
  expect(titles(two)).toEqual(['Later']);
});

test('the votes of a run count once, also if a conflict saved it as a copy', async () => {
  const { one, two } = await twoPages();
  const run = storedComparison();
  const vote = (winner: number, second: number) => blindVote(run.lanes, winner, `2026-01-03T00:00:0${second}.000Z`);
  const votes = [vote(0, 0), vote(0, 1)];
  await one.save({ ...run, votes });
  await two.rename('run-1', 'Renamed');
  expect(await one.save({ ...run, votes: [...votes, vote(1, 2)] })).not.toBe('run-1');
  expect(one.list).toHaveLength(2);
  for (const { votes: counted } of [one, two]) {
    expect(counted).toMatchObject([
      { label: 'Greedy', shown: 3, won: 2 },
      { label: 'Temperature 1.5', shown: 3, won: 1 },
    ]);
  }
});

test('a run that another page deleted is restored if this one still changes it', async () => {
  const { one, two } = await twoPages();
  await one.save(storedComparison());
  await two.remove('run-1');
  await one.save(storedComparison({ title: 'Changed' }));
  expect(one.unsaved).toMatchObject([{ id: 'run-1', problem: expect.stringContaining('no longer exists') as string }]);
  await one.retry('run-1');
  expect(one.unsaved).toEqual([]);
  expect(titles(two)).toEqual(['Changed']);
});

test('an unsaved run can be deleted and restored', async () => {
  const { line, runs } = await openPage();
  line.failure = new EngineError('STORAGE', 'The disk is full.');
  await runs.save(storedComparison());
  const undo = await runs.remove('run-1');
  expect(runs.list).toEqual([]);
  line.failure = null;
  await undo?.();
  await expect.poll(() => runs.unsaved).toEqual([]);
  await expect.poll(async () => await runs.read('run-1')).toMatchObject({ title: 'The cat' });
});

test('what fails is reported until it works', async () => {
  const { line, runs } = await openPage();
  line.failure = new EngineError('STORAGE', 'The file is damaged.');
  expect(await runs.read('run-1')).toBeNull();
  expect(runs.error).toBe('The file is damaged.');
  expect(await runs.remove('run-1')).toBeNull();
  line.failure = null;
  await runs.read('run-1');
  await runs.remove('run-1');
  expect(runs.error).toBeNull();
});

test('small unsaved runs are sent when the page closes', async () => {
  const { line, runs } = await openPage();
  line.failure = new EngineError('STORAGE', 'The disk is full.');
  await runs.save(storedComparison());
  line.failure = null;
  runs.flushLast();
  await expect.poll(async () => (await line.services.invoke('comparisonsList')).length).toBe(1);
});

test('rows name the run, its lanes and models', () => {
  expect(runName({ title: 'Cats', promptStart: 'x' })).toBe('Cats');
  expect(runName({ title: '', promptStart: 'Once upon\n a time' })).toBe('Once upon a time');
  expect(runName({ title: '', promptStart: ' ' })).toBe('Empty prompt');
  const lane = { label: 'A', modelName: 'TinyTransformer', samples: 1 };
  expect(lanesText({ lanes: [lane, lane] })).toBe('2 lanes · TinyTransformer');
  expect(lanesText({ lanes: [lane, { ...lane, modelName: 'SmolLM2', samples: 3 }] })).toBe(
    '2 lanes · 4 replies · 2 models',
  );
});
