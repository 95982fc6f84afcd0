import { expect, test } from 'vitest';
import { RateMeter } from './rate-meter.ts';

test('measures over the last seconds, and returns null before there are measurements', () => {
  const meter = new RateMeter(1000);
  expect(meter.rate(0)).toBeNull();
  for (let at = 0; at <= 1000; at += 100) meter.add(50, at);
  expect(meter.rate(1000)).toBe(500);
  for (let at = 1100; at <= 3000; at += 100) meter.add(100, at);
  expect(meter.rate(3000)).toBe(1000);
  // No more data arrives.
  expect(meter.rate(5000)).toBeNull();
});
