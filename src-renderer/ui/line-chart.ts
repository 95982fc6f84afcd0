/** Geometry of `LineChart`: scales, ticks, paths and which point is read. No DOM; lengths are CSS pixels. */
import { formatDecimal } from './format.ts';

export interface ChartPoint {
  /** A whole number, such as the index of a token. */
  readonly x: number;
  readonly y: number;
}

export interface ChartSeries {
  readonly key: string;
  /** Shown in the legend and beside a value that is read. */
  readonly label: string;
  /** Ascending in `x`. */
  readonly points: readonly ChartPoint[];
  /** The line ended with an error after its last point, which is marked. */
  readonly cut?: boolean;
}

/** Dashes of up to eight lines, px: they differ in more than their colour. */
export const LINE_DASHES: readonly (readonly number[])[] = [
  [],
  [6, 3],
  [2, 3],
  [8, 3, 2, 3],
  [12, 4],
  [4, 4],
  [1, 3],
  [10, 2, 4, 2],
];

/** A place on the horizontal axis. */
export interface ChartMark {
  readonly x: number;
  readonly label: string;
  /** What everything before it is. */
  readonly before: string;
}

export interface Scale {
  readonly from: number;
  readonly to: number;
  /** Ascending, within `from` to `to`. */
  readonly ticks: readonly number[];
  /** Between two ticks. */
  readonly step: number;
}

export interface Layout {
  readonly x: Scale;
  readonly y: Scale;
  /** Edges of the area that lines are drawn in. */
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A point of a series that is read, and where it is drawn. */
export interface ChartReading {
  /** Indices of the series and of its point. */
  readonly series: number;
  readonly index: number;
  readonly point: ChartPoint;
  readonly left: number;
  readonly top: number;
}

/** Room for half of a line's last point, and for half a line of text. */
const EDGE = 6;
/** Above the plot: a line of text about a mark. */
const MARK_TEXT = 14;
/** Below the plot: a mark and a line of text. */
const X_AXIS = 20;
const Y_GAP = 6;
/** Between two labels, sideways; and a line of text and as much again. */
const X_TICK_GAP = 20;
const Y_TICK_HEIGHT = 26;

/**
 * Where everything of a chart is drawn. The vertical scale includes 0.
 * @param isMarked leaves space for the text of a mark above the plot
 */
export function layoutOf(series: readonly ChartSeries[], width: number, height: number, isMarked = false): Layout {
  const points = series.flatMap((one) => one.points);
  const ys = points.map(({ y }) => y);
  const top = isMarked ? EDGE + MARK_TEXT : EDGE;
  const bottom = height - X_AXIS;
  const y = roundedScale(least(ys, 0), greatest(ys, 0), Math.floor((bottom - top) / Y_TICK_HEIGHT) + 1);
  const left = Math.max(...y.ticks.map((tick) => textWidth(tickText(tick, y.step)))) + Y_GAP;
  const right = Math.max(left + 1, width - EDGE);
  const xs = series.flatMap((one) => (one.points.length === 0 ? [] : [one.points[0].x, one.points.at(-1)!.x]));
  const widest = textWidth(tickText(greatest(xs), 1)) + X_TICK_GAP;
  const x = exactScale(least(xs), greatest(xs), Math.floor((right - left) / widest));
  return { x, y, left, right, top, bottom };
}

/** Pixels from the left edge of the chart. */
export function leftOf({ x, left, right }: Layout, value: number): number {
  return x.to === x.from ? (left + right) / 2 : left + ((value - x.from) / (x.to - x.from)) * (right - left);
}

/** Pixels from the top edge of the chart. */
export function topOf({ y, top, bottom }: Layout, value: number): number {
  return bottom - ((value - y.from) / (y.to - y.from)) * (bottom - top);
}

/** The smallest of 1, 2 and 5 times a power of ten that is not below `rough`. */
export function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  // 1e-9: what is a round number but for a rounding error.
  const factor = [1, 2, 5].find((one) => one * power >= rough * (1 - 1e-9)) ?? 10;
  // Powers below 1 are not exact, and neither are their products.
  return Number((factor * power).toPrecision(1));
}

/** Ends at ticks. @param most ticks; 3 at least, for both ends are rounded outwards */
function roundedScale(from: number, to: number, most: number): Scale {
  if (from === to) return { from, to: from + 1, ticks: [from, from + 1], step: 1 };
  const ticksOf = (step: number) => multiples(Math.floor(from / step), Math.ceil(to / step), step);
  const { step, ticks } = finest(niceStep((to - from) / most), Math.max(3, most), ticksOf);
  return { from: ticks[0], to: ticks[ticks.length - 1], ticks, step };
}

/** Ends where the whole numbers end. @param most ticks; 1 at least */
function exactScale(from: number, to: number, most: number): Scale {
  const ticksOf = (step: number) => multiples(Math.ceil(from / step), Math.floor(to / step), step);
  const start = Math.max(1, niceStep(Math.max(1, to - from) / (Math.max(1, most) + 1)));
  return { from, to, ...finest(start, Math.max(1, most), ticksOf) };
}

/** The smallest nice step, `start` or a larger one, that makes at most so many ticks. */
function finest(start: number, most: number, ticksOf: (step: number) => number[]): { step: number; ticks: number[] } {
  for (let step = start; ; step = niceStep(1.5 * step)) {
    const ticks = ticksOf(step);
    if (ticks.length <= most) return { step, ticks };
  }
}

/** Of a step from the `first` to the `last`, without what a product of fractions is off by. */
function multiples(first: number, last: number, step: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toFixed(decimalsOf(step))));
}

/** A tick as it is written: with as many decimals as the step has. */
export function tickText(value: number, step: number): string {
  const digits = decimalsOf(step);
  return formatDecimal(value, digits, digits);
}

/** Decimals of a step of 1, 2 or 5 times a power of ten. */
function decimalsOf(step: number): number {
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}

/** About as wide as a label is drawn, px: Inter at 11 px with tabular figures. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += /[.,]/.test(character) ? 3.2 : 7;
  return width;
}

/**
 * A line through the points of a series in SVG path syntax: smooth, and between two points never above or below both
 * (Fritsch and Carlson, 1980), so that the curve shows no value that was not measured. Empty for fewer than two points.
 */
export function linePath(points: readonly ChartPoint[], layout: Layout): string {
  if (points.length < 2) return '';
  const xs = points.map(({ x }) => leftOf(layout, x));
  const ys = points.map(({ y }) => topOf(layout, y));
  const slopes = monotoneSlopes(xs, ys);
  let path = `M${round(xs[0])} ${round(ys[0])}`;
  for (let i = 1; i < xs.length; i++) {
    const third = (xs[i] - xs[i - 1]) / 3;
    const [from, to] = [ys[i - 1] + slopes[i - 1] * third, ys[i] - slopes[i] * third];
    const end = `${round(xs[i])} ${round(ys[i])}`;
    path += `C${round(xs[i - 1] + third)} ${round(from)} ${round(xs[i] - third)} ${round(to)} ${end}`;
  }
  return path;
}

/** What lies between a line and 0. Empty for fewer than two points. */
export function areaPath(points: readonly ChartPoint[], layout: Layout): string {
  const line = linePath(points, layout);
  if (line === '') return '';
  const ground = round(topOf(layout, 0));
  return `${line}L${round(leftOf(layout, points[points.length - 1].x))} ${ground}L${round(leftOf(layout, points[0].x))} ${ground}Z`;
}

/** `[points]`: the slope at each point, 0 at every peak and trough. */
function monotoneSlopes(xs: readonly number[], ys: readonly number[]): number[] {
  const last = xs.length - 1;
  const rise = Array.from({ length: last }, (_, i) => (ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]));
  return xs.map((_, i) => {
    if (i === 0) return rise[0];
    if (i === last) return rise[last - 1];
    const [before, after] = [rise[i - 1], rise[i]];
    if (before * after <= 0) return 0;
    // The harmonic mean is at most twice the smaller one, within the bound of three.
    return (2 * before * after) / (before + after);
  });
}

/** Index of the point whose `x` is nearest, the earlier one of two; -1 when there are none. */
export function nearestIndex(points: readonly ChartPoint[], x: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].x < x) low = middle + 1;
    else high = middle;
  }
  if (low === points.length) return points.length - 1;
  return low > 0 && x - points[low - 1].x <= points[low].x - x ? low - 1 : low;
}

/** The point of a series that is nearest to `x`; null when it has none. */
export function readAt(series: readonly ChartSeries[], at: number, x: number, layout: Layout): ChartReading | null {
  const points = series[at]?.points ?? [];
  const index = nearestIndex(points, x);
  if (index === -1) return null;
  const point = points[index];
  return { series: at, index, point, left: leftOf(layout, point.x), top: topOf(layout, point.y) };
}

/** The point under a pointer: of each series the one nearest to it sideways, and of those the nearest one. */
export function readUnder(
  series: readonly ChartSeries[],
  left: number,
  top: number,
  layout: Layout,
): ChartReading | null {
  const { x } = layout;
  const value = x.from + ((left - layout.left) / (layout.right - layout.left)) * (x.to - x.from);
  let nearest: ChartReading | null = null;
  let shortest = Infinity;
  for (let at = 0; at < series.length; at++) {
    const reading = readAt(series, at, value, layout);
    const distance = reading === null ? Infinity : Math.hypot(reading.left - left, reading.top - top);
    if (distance < shortest) [nearest, shortest] = [reading, distance];
  }
  return nearest;
}

/** Points that Page Up and Page Down pass over. */
const PAGE = 10;

/**
 * What is read after a key: along a series with left, right, Page Up, Page Down, Home and End, and with up and down the
 * series before and behind it that has points. Null when the key means nothing here.
 */
export function readAfterKey(key: string, from: ChartReading, series: readonly ChartSeries[], layout: Layout) {
  const { points } = series[from.series];
  const steps: Partial<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    PageUp: -PAGE,
    PageDown: PAGE,
    Home: -Infinity,
    End: Infinity,
  };
  const step = steps[key];
  if (step !== undefined) {
    const index = Math.min(points.length - 1, Math.max(0, from.index + step));
    return readAt(series, from.series, points[index].x, layout);
  }
  const way = key === 'ArrowUp' ? -1 : key === 'ArrowDown' ? 1 : 0;
  if (way === 0) return null;
  for (let at = from.series + way; at >= 0 && at < series.length; at += way) {
    if (series[at].points.length > 0) return readAt(series, at, from.point.x, layout);
  }
  return from;
}

/**
 * The chart as a table: a row per `x`, evenly chosen when there are more than `most`, the last one always among them.
 * `values` are those of each series at this `x`; null: it has none there.
 */
export function tableRows(series: readonly ChartSeries[], most: number): { x: number; values: (number | null)[] }[] {
  const xs = [...new Set(series.flatMap((one) => one.points.map(({ x }) => x)))].sort((a, b) => a - b);
  const step = Math.max(1, Math.ceil(xs.length / most));
  return xs
    .filter((_, i) => (xs.length - 1 - i) % step === 0)
    .map((x) => ({
      x,
      values: series.map(({ points }) => {
        const index = nearestIndex(points, x);
        return index !== -1 && points[index].x === x ? points[index].y : null;
      }),
    }));
}

// Not Math.min(...values): a hundred thousand arguments overflow the stack.
function least(values: readonly number[], start = values.length === 0 ? 0 : values[0]): number {
  return values.reduce((a, b) => Math.min(a, b), start);
}

function greatest(values: readonly number[], start = values.length === 0 ? 0 : values[0]): number {
  return values.reduce((a, b) => Math.max(a, b), start);
}

/** To a tenth. `toFixed` would take half of the time that a path takes. */
const round = (pixels: number) => Math.round(10 * pixels) / 10;
