import { describe, expect, it } from 'vitest';
import {
  areaPath,
  layoutOf,
  leftOf,
  linePath,
  nearestIndex,
  niceStep,
  readAfterKey,
  readAt,
  readUnder,
  tableRows,
  textWidth,
  tickText,
  topOf,
  type ChartSeries,
  type ChartReading,
} from './line-chart.ts';

const WIDTH = 284;
const HEIGHT = 132;

function series(key: string, ...points: [number, number][]): ChartSeries {
  return { key, label: key, points: points.map(([x, y]) => ({ x, y })) };
}

const layout = (...all: ChartSeries[]) => layoutOf(all, WIDTH, HEIGHT);

describe('scales', () => {
  it.each([
    [0.9, 1],
    [1, 1],
    [1.1, 2],
    [2.5, 5],
    [6, 10],
    [33.4, 50],
    [0.03, 0.05],
    [1e-4, 1e-4],
    [3 * 0.1, 0.5],
    [2 * 0.1, 0.2],
  ])('the nice step for %s is %s', (rough, step) => expect(niceStep(rough)).toBe(step));

  it('includes 0 and the largest value, ends at round numbers, and has few ticks', () => {
    for (const largest of [0.0004, 0.3, 1, 7.3, 9.99, 12, 18, 42.5, 101, 999, 54_321]) {
      const { y } = layout(series('a', [1, largest / 2], [2, largest]));
      expect(y.from).toBe(0);
      expect(y.to).toBeGreaterThanOrEqual(largest);
      // At most two and a half times what is needed, the largest gap between 1, 2, 5 and 10.
      expect(y.to).toBeLessThan(2.5 * largest);
      expect(y.ticks.length).toBeGreaterThanOrEqual(2);
      expect(y.ticks.length).toBeLessThanOrEqual(5);
      expect(y.ticks.at(-1)).toBe(y.to);
    }
  });

  it('goes below 0 for negative values', () => {
    const { y } = layout(series('a', [1, -3], [2, 4]));
    expect(y.ticks).toEqual([-4, -2, 0, 2, 4]);
    expect(layout(series('a', [1, -3], [2, -1])).y).toMatchObject({ to: 0 });
  });

  it('has room for values that are all 0, and for none', () => {
    for (const one of [layout(series('a', [1, 0], [2, 0])), layout(), layout(series('a'))]) {
      expect(one.y).toEqual({ from: 0, to: 1, ticks: [0, 1], step: 1 });
      expect(Number.isFinite(topOf(one, 0))).toBe(true);
    }
  });

  it('spans all series sideways, with whole ticks that do not touch', () => {
    for (const last of [3, 4, 12, 160, 1024, 98_765]) {
      const one = layout(series('a', [2, 1], [last - 1, 5]), series('b', [3, 1], [last, 2]));
      expect([one.x.from, one.x.to]).toEqual([2, last]);
      expect(one.x.ticks.every(Number.isInteger)).toBe(true);
      expect(one.x.ticks.length).toBeGreaterThanOrEqual(last === 3 ? 2 : 3);
      const ends = one.x.ticks.map((tick) => [leftOf(one, tick), textWidth(tickText(tick, one.x.step)) / 2]);
      for (let i = 1; i < ends.length; i++) {
        expect(ends[i][0] - ends[i][1]).toBeGreaterThan(ends[i - 1][0] + ends[i - 1][1]);
      }
    }
  });

  it('puts a single point in the middle', () => {
    const one = layout(series('a', [7, 2]));
    expect(one.x.ticks).toEqual([7]);
    expect(leftOf(one, 7)).toBe((one.left + one.right) / 2);
  });

  it('keeps the drawing inside, with room for the widest label', () => {
    const one = layout(series('a', [1, 0], [9, 54_321]));
    expect(one.left).toBeGreaterThan(textWidth('50,000'));
    expect([leftOf(one, 1), leftOf(one, 9)]).toEqual([one.left, one.right]);
    expect([topOf(one, one.y.to), topOf(one, 0)]).toEqual([one.top, one.bottom]);
    expect(one.right).toBeLessThan(WIDTH);
    expect(one.bottom).toBeLessThan(HEIGHT);
    // Before it is measured.
    expect(layoutOf([series('a', [1, 1], [2, 2])], 0, HEIGHT).right).toBeGreaterThan(0);
  });

  it('leaves space for the text of a mark above the plot', () => {
    const all = [series('a', [1, 0], [9, 12])];
    const [plain, marked] = [layout(...all), layoutOf(all, WIDTH, HEIGHT, true)];
    expect(marked.top).toBe(plain.top + 14);
    expect(marked.bottom).toBe(plain.bottom);
    expect([topOf(marked, marked.y.to), topOf(marked, 0)]).toEqual([marked.top, marked.bottom]);
    expect(marked.y.to).toBeGreaterThanOrEqual(12);
  });

  it('takes a hundred thousand points', () => {
    const points = Array.from({ length: 2 ** 17 }, (_, x) => ({ x, y: x % 7 }));
    expect(layout({ key: 'a', label: 'a', points }).x.to).toBe(2 ** 17 - 1);
  });

  it('writes ticks with the decimals of their step', () => {
    expect([tickText(0, 50), tickText(1500, 500), tickText(0.5, 0.5), tickText(1, 0.02)]).toEqual([
      '0',
      '1,500',
      '0.5',
      '1.00',
    ]);
    expect(layout(series('a', [1, 0.3])).y.ticks).toEqual([0, 0.1, 0.2, 0.3]);
  });
});

describe('lines', () => {
  const numbers = (path: string) => path.match(/-?[\d.]+/g)!.map(Number);

  it('pass through every point, and are nothing for fewer than two', () => {
    const one = series('a', [1, 0], [2, 10], [3, 5]);
    const path = linePath(one.points, layout(one));
    const ends = path.split('C').map((part) => numbers(part).slice(-2));
    expect(ends).toEqual(one.points.map(({ x, y }) => [leftOf(layout(one), x), topOf(layout(one), y)].map(rounded)));
    expect(linePath([], layout())).toBe('');
    expect(areaPath([{ x: 1, y: 1 }], layout())).toBe('');
  });

  it('never go beyond the two points beside them', () => {
    // Not random: a spike, a step, a plateau and noise.
    const values = [0, 0, 9, 0, 0, 4, 4, 4, 8, 8.1, 2, 7, 6.9, 7, 0];
    const one = series('a', ...values.map((y, x): [number, number] => [x, y]));
    const [start, ...curves] = linePath(one.points, layout(one)).split('C').map(numbers);
    let [, before] = start;
    for (const [, from, , to, , end] of curves) {
      // 0.1 px: coordinates are rounded to it.
      for (const control of [from, to]) {
        expect(control).toBeGreaterThanOrEqual(Math.min(before, end) - 0.1);
        expect(control).toBeLessThanOrEqual(Math.max(before, end) + 0.1);
      }
      before = end;
    }
  });

  it('have an area that ends at 0', () => {
    const one = series('a', [1, 5], [2, -5]);
    const at = layout(one);
    const zero = rounded(topOf(at, 0));
    expect(areaPath(one.points, at).endsWith(`L${at.right} ${zero}L${rounded(at.left)} ${zero}Z`)).toBe(true);
  });
});

describe('reading', () => {
  const a = series('a', [1, 0], [2, 10], [4, 10], [8, 0]);
  const b = series('b', [1, 5], [4, 5]);
  const none = series('none');
  const all = [a, none, b];
  const at = layout(...all);

  it('finds the nearest point, the earlier one of two', () => {
    expect([-5, 1, 1.5, 1.6, 3, 3.1, 6, 7, 99].map((x) => nearestIndex(a.points, x))).toEqual([
      0, 0, 0, 1, 1, 2, 2, 3, 3,
    ]);
    expect(nearestIndex([], 1)).toBe(-1);
    expect(nearestIndex(a.points, Infinity)).toBe(3);
  });

  it('reads the last point of a series, and nothing of one without points or one that is not there', () => {
    expect(readAt(all, 0, Infinity, at)).toMatchObject({ series: 0, index: 3, point: { x: 8, y: 0 }, left: at.right });
    expect(readAt(all, 1, 4, at)).toBeNull();
    expect(readAt(all, -1, 4, at)).toBeNull();
  });

  it('reads the series that is nearest to the pointer', () => {
    const under = (x: number, y: number) => readUnder(all, leftOf(at, x), topOf(at, y), at);
    expect(under(4, 9)).toMatchObject({ series: 0, point: { x: 4, y: 10 } });
    expect(under(4, 6)).toMatchObject({ series: 2, point: { x: 4, y: 5 } });
    // Where only one goes on, the other's last point is far.
    expect(under(8, 4)).toMatchObject({ series: 0, point: { x: 8, y: 0 } });
    expect(readUnder([none], 10, 10, at)).toBeNull();
    const single = [series('a', [7, 2])];
    expect(readUnder(single, 0, 0, layout(...single))).toMatchObject({ index: 0 });
  });

  it('moves along a series and between series with keys', () => {
    const start = readAt(all, 0, 2, at) as ChartReading;
    const after = (key: string, from = start) => readAfterKey(key, from, all, at);
    expect(after('ArrowRight')).toMatchObject({ index: 2 });
    expect(after('ArrowLeft')).toMatchObject({ index: 0 });
    expect(after('PageUp')).toMatchObject({ index: 0 });
    expect(after('PageDown')).toMatchObject({ index: 3 });
    expect(after('Home')).toMatchObject({ index: 0 });
    expect(after('End')).toMatchObject({ index: 3 });
    expect(after('End', after('End') as ChartReading)).toMatchObject({ index: 3 });
    // Past the series without points, and no further than the last.
    const below = after('ArrowDown') as ChartReading;
    expect(below).toMatchObject({ series: 2, point: { x: 1 } });
    expect(after('ArrowDown', below)).toBe(below);
    expect(after('ArrowUp', below)).toMatchObject({ series: 0, point: { x: 1 } });
    expect(after('ArrowUp')).toBe(start);
    expect(after('Enter')).toBeNull();
    expect(after('Tab')).toBeNull();
  });
});

describe('the table', () => {
  it('has a row per x and a column per series', () => {
    expect(tableRows([series('a', [1, 5], [3, 6]), series('b', [2, 7], [3, 8])], 20)).toEqual([
      { x: 1, values: [5, null] },
      { x: 2, values: [null, 7] },
      { x: 3, values: [6, 8] },
    ]);
    expect(tableRows([series('a')], 20)).toEqual([]);
  });

  it('leaves rows out evenly, never the last', () => {
    const long = series('a', ...Array.from({ length: 160 }, (_, i): [number, number] => [i + 2, i]));
    const rows = tableRows([long], 20);
    expect(rows).toHaveLength(20);
    expect(rows.at(-1)).toEqual({ x: 161, values: [159] });
    expect(new Set(rows.slice(1).map(({ x }, i) => x - rows[i].x))).toEqual(new Set([8]));
  });
});

const rounded = (value: number) => Number(value.toFixed(1));
