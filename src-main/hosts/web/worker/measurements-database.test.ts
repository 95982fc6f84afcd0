import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { measurementsDatabase } from './measurements-database.ts';

beforeEach(() => void vi.stubGlobal('navigator', { userAgent: 'A browser', hardwareConcurrency: 2 }));
afterEach(() => void vi.unstubAllGlobals());

it('opens its database before a measurement is needed', async () => {
  const open = vi.spyOn(indexedDB, 'open');
  const measurements = measurementsDatabase();
  expect(open).toHaveBeenCalledOnce();
  await measurements.set('threads', [1, 2]);
  expect(await measurements.get('threads')).toEqual([1, 2]);
  expect(open).toHaveBeenCalledOnce();
  open.mockRestore();
});

it('counts as empty where the browser has no storage for the page', async () => {
  const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('not here', 'SecurityError');
  });
  const measurements = measurementsDatabase();
  open.mockRestore();
  await measurements.set('threads', [1, 2]);
  expect(await measurements.get('threads')).toBeUndefined();
});
