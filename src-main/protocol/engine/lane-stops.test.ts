import { expect, it } from 'vitest';
import { LaneStops } from './lane-stops.ts';

it('stops the lanes of the compare with that key, and no others', () => {
  const stops = new LaneStops();
  const first = stops.open('first', 2);
  const second = stops.open('second', 2);
  expect(stops.stop('first', 1)).toBe(true);
  expect([...first, ...second].map(({ cancelled }) => cancelled)).toEqual([false, true, false, false]);
});

it('reports unknown lanes', () => {
  const stops = new LaneStops();
  stops.open('key', 2);
  expect(stops.stop('key', 2)).toBe(false);
  expect(stops.stop('other', 0)).toBe(false);
  stops.close('key');
  expect(stops.stop('key', 0)).toBe(false);
});

it('refuses a key that is in use until its compare ends', () => {
  const stops = new LaneStops();
  stops.open('key', 1);
  expect(() => stops.open('key', 1)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  stops.close('key');
  expect(stops.open('key', 1)).toHaveLength(1);
});
