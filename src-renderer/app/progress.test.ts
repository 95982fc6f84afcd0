import { expect, test } from 'vitest';
import { progressOf } from './progress.ts';

test('progress counts loads and running downloads by their bytes', () => {
  expect(progressOf(null, [])).toBeNull();
  expect(progressOf({ phase: 'header', bytesRead: 0, totalBytes: 0 }, [])).toBeNull();
  expect(progressOf({ phase: 'weights', bytesRead: 25, totalBytes: 100 }, [])).toBe(0.25);
  const download = { phase: 'downloading', bytes: 150, totalBytes: 300 } as const;
  expect(progressOf(null, [download, { ...download, phase: 'paused' }])).toBe(0.5);
  expect(progressOf({ phase: 'weights', bytesRead: 50, totalBytes: 100 }, [download])).toBe(0.5);
  // Without a size there is nothing to measure against.
  expect(progressOf(null, [{ ...download, totalBytes: null }])).toBeNull();
});
