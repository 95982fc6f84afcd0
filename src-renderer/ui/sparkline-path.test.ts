import { expect, it } from 'vitest';
import { sparklinePath } from './sparkline-path.ts';

it('draws nothing for fewer than two values', () => {
  expect(sparklinePath([], 72, 16)).toBeNull();
  expect(sparklinePath([3], 72, 16)).toBeNull();
});

it('spans the width and puts the largest near the top', () => {
  const path = sparklinePath([0, 5, 10], 72, 16);
  expect(path?.line).toBe('M0.0 16.0L36.0 8.6L72.0 1.2');
  expect(path?.last[0]).toBe(72);
});

it('lies on the ground when all are zero', () => {
  expect(sparklinePath([0, 0], 10, 16)?.line).toBe('M0.0 16.0L10.0 16.0');
});
