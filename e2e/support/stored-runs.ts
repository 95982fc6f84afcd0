/** Runs of Compare as they are stored. */
import { expect } from '@playwright/test';
import type { StoredLane } from '../../src-main/protocol/app/comparisons/comparison.ts';
import type { RunningApp } from './app.ts';

/**
 * The lanes of a stored run when all of them have ended: it is also stored while it grows.
 * @param at its place in the list, newest first
 * @param count of all stored runs
 */
export async function storedLanes({ services }: RunningApp, at = 0, count = 1): Promise<StoredLane[]> {
  await expect.poll(async () => (await services.invoke('comparisonsList')).length).toBe(count);
  const runs = await services.invoke('comparisonsList');
  const read = async () => (await services.invoke('comparisonRead', runs[at].id))?.lanes ?? [];
  const hasEnded = ({ replies }: StoredLane) => replies.length > 0 && replies.every(({ facts }) => facts.stop !== null);
  await expect.poll(async () => (await read()).every(hasEnded)).toBe(true);
  return await read();
}
