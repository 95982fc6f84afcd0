import { describe, expect, it } from 'vitest';
import { decimalsOf, snap, valueForKey } from './slider-keys.ts';

const range = { min: 0, max: 2, step: 0.05 };
const press = (key: string, shiftKey = false) => ({ key, shiftKey });

describe('snap', () => {
  it('keeps to the grid without binary tails', () => {
    expect(snap(0.1 + 0.2, { min: 0, max: 1, step: 0.1 })).toBe(0.3);
    expect(snap(0.83, range)).toBe(0.85);
  });
  it('keeps inside the range', () => {
    expect(snap(9, range)).toBe(2);
    expect(snap(-9, range)).toBe(0);
  });
  it('counts decimals of tiny steps', () => {
    expect(decimalsOf(1)).toBe(0);
    expect(decimalsOf(0.05)).toBe(2);
    expect(decimalsOf(1e-7)).toBe(7);
  });
});

describe('valueForKey', () => {
  it('moves one step, ten with Shift', () => {
    expect(valueForKey(press('ArrowRight'), 0.8, range, 0.8)).toBe(0.85);
    expect(valueForKey(press('ArrowLeft', true), 0.8, range, 0.8)).toBe(0.3);
    expect(valueForKey(press('PageUp'), 0.8, range, 0.8)).toBe(1.3);
  });
  it('goes to the ends and back to the default', () => {
    expect(valueForKey(press('Home'), 0.8, range, 0.7)).toBe(0);
    expect(valueForKey(press('End'), 0.8, range, 0.7)).toBe(2);
    expect(valueForKey(press('Delete'), 1.2, range, 0.7)).toBe(0.7);
    expect(valueForKey(press('Delete'), 1.2, range, undefined)).toBeNull();
    expect(valueForKey(press('a'), 1.2, range, 0.7)).toBeNull();
  });
});
