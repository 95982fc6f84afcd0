import type { Timings } from '../../../src-main/engine/types.ts';

/** Tokens over which the rate of the moment is taken. */
const RATE_WINDOW = 12;

/** Median of some numbers; null for none. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The largest number and where it stands; null for none. */
export function largest(values: readonly number[]): { value: number; index: number } | null {
  let found: { value: number; index: number } | null = null;
  values.forEach((value, index) => {
    if (found === null || value > found.value) found = { value, index };
  });
  return found;
}

/** Tokens per second for tokens that took `latencies` ms; null where no time passed. */
export function rateOf(latencies: readonly number[]): number | null {
  const ms = latencies.reduce((sum, latency) => sum + latency, 0);
  return latencies.length > 0 && ms > 0 ? (1000 * latencies.length) / ms : null;
}

/**
 * The rate as it went, tokens/s.
 *
 * @param latencies ms per token, the first (which holds the prompt) included
 * @param points at most as many; a longer reply is averaged in equal parts
 * @returns `token`: the last token, from 1, that a point stands for
 */
export function rateOverTime(latencies: readonly number[], points: number): { token: number; rate: number }[] {
  const decoded = latencies.length - 1;
  if (decoded < 1) return [];
  const step = Math.max(1, Math.ceil(decoded / points));
  const series: { token: number; rate: number }[] = [];
  for (let end = 1 + step; ; end += step) {
    const upTo = Math.min(end, latencies.length);
    const rate = rateOf(latencies.slice(Math.max(1, upTo - Math.max(step, RATE_WINDOW)), upTo));
    if (rate !== null) series.push({ token: upTo, rate });
    if (upTo === latencies.length) return series;
  }
}

/** The rate of the moment, tokens/s: over the last few tokens; null before the second. */
export function rateNow(latencies: readonly number[]): number | null {
  return rateOf(latencies.slice(1).slice(-RATE_WINDOW));
}

/** The rate from the second token on, tokens/s. */
export function rateAverage(latencies: readonly number[]): number | null {
  return rateOf(latencies.slice(1));
}

export interface LatencyHistogram {
  /** Tokens per bin. */
  counts: number[];
  /** Ms at the left edge of the first bin and the right edge of the last; slower tokens are in the last. */
  from: number;
  to: number;
  /** Bin of the median. */
  medianBin: number;
}

/** How long tokens took, the first left out. A few outliers do not squeeze the rest: the scale ends at 98 %. */
export function latencyHistogram(latencies: readonly number[], bins: number): LatencyHistogram | null {
  const values = latencies.slice(1).sort((a, b) => a - b);
  const middle = median(values);
  if (middle === null) return null;
  const from = values[0];
  const last = values[Math.min(values.length - 1, Math.floor(values.length * 0.98))];
  const to = last > from ? last : from + Math.max(0.1, from * 0.1);
  const binOf = (value: number) => Math.min(bins - 1, Math.max(0, Math.floor(((value - from) / (to - from)) * bins)));
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) counts[binOf(value)]++;
  return { counts, from, to, medianBin: binOf(middle) };
}

/** What can still be said of a reply whose engine is gone. */
export function timingsFrom(latencies: readonly number[]): Timings | null {
  if (latencies.length === 0) return null;
  return {
    loadMs: 0,
    prefillMs: latencies[0],
    timeToFirstTokenMs: latencies[0],
    prefillTokensPerSecond: null,
    decodeTokensPerSecond: rateAverage(latencies),
    totalMs: latencies.reduce((sum, latency) => sum + latency, 0),
  };
}
