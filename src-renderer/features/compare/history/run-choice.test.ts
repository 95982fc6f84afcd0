import { expect, test, vi } from 'vitest';
import type { StoredComparison } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { storedComparison } from '../../../../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { setUpCompare } from '../test-support/compare-setup.ts';
import { RunChoice } from './run-choice.ts';

/** Stored runs that are read when the test says so. */
function setUp() {
  const parts = setUpCompare([1, 2]);
  const reads: { id: string; arrives: (run?: StoredComparison | null) => void }[] = [];
  const runs = {
    read: (id: string) =>
      new Promise<StoredComparison | null>((resolve) => {
        reads.push({ id, arrives: (run = storedComparison({ id })) => resolve(run) });
      }),
  };
  const choice = new RunChoice();
  return { ...parts, choice, reads, open: (id: string) => choice.open(id, parts.compare, runs) };
}

test('a chosen run is opened, and one that cannot be read is not', async () => {
  const { compare, reads, open } = setUp();
  const opened = open('run-1');
  reads[0].arrives();
  expect(await opened).toBe(true);
  expect(compare.id).toBe('run-1');
  const unknown = open('run-2');
  reads[1].arrives(null);
  expect(await unknown).toBe(false);
  expect(compare.id).toBe('run-1');
});

test('the latest choice counts, and none after the list was closed', async () => {
  const { choice, compare, reads, open } = setUp();
  const [first, second] = [open('run-1'), open('run-2')];
  reads[1].arrives();
  reads[0].arrives();
  expect([await first, await second]).toEqual([false, true]);
  expect(compare.id).toBe('run-2');
  const late = open('run-1');
  choice.forget();
  reads[2].arrives();
  expect(await late).toBe(false);
  expect(compare.id).toBe('run-2');
});

test('a run that began while another one was read is not stopped', async () => {
  const { api, compare, reads, open } = setUp();
  api.scripts.set(1, [5, 'pause', 6]);
  const chosen = open('run-1');
  const done = compare.run();
  const { id } = compare;
  reads[0].arrives();
  expect(await chosen).toBe(false);
  expect([compare.id, compare.runner.running]).toEqual([id, true]);
  // One that is running when another one is chosen is left.
  const left = open('run-1');
  reads[1].arrives();
  expect(await left).toBe(true);
  expect(compare.id).toBe('run-1');
  await done;
});

test('the open run is not read while it is running', async () => {
  const { api, compare, reads, open } = setUp();
  api.scripts.set(1, [5, 'pause', 6]);
  const done = compare.run();
  await vi.waitFor(() => expect(compare.lanes[0].reply?.count).toBe(1));
  const before = open('run-1');
  expect(await open(compare.id!)).toBe(true);
  // It was chosen instead of the other one.
  reads[0].arrives();
  expect(await before).toBe(false);
  expect(reads).toHaveLength(1);
  expect(compare.runner.running).toBe(true);
  api.resume();
  await done;
});
