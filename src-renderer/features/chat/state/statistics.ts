import type { Timings } from '../../../../src-main/engine/api/types.ts';
import type { ReplyFacts } from '../../../../src-main/protocol/app/chats/chat.ts';

/** Tokens of a stored reply's prompt that were reused: those that its rate of prefill leaves out. 0 if unknown. */
export function reusedTokensOf({ promptTokens, timings }: Pick<ReplyFacts, 'promptTokens' | 'timings'>): number {
  if (timings?.prefillTokensPerSecond == null) return 0;
  const computed = Math.round((timings.prefillTokensPerSecond * timings.prefillMs) / 1000);
  return Math.max(0, promptTokens - computed);
}

/** Window of the current rate, tokens. */
const RATE_WINDOW = 12;

export interface LatencyHistogram {
  /** Tokens per bin. */
  counts: number[];
  /** Left edge of the first bin and right edge of the last, ms. Slower tokens are in the last. */
  from: number;
  to: number;
  /** Index of the bin with the median. */
  medianBin: number;
}

/**
 * Rates and times of a growing reply. A call costs what was added since the last one, plus at most a pass over its
 * result. The first token includes prefill and is always left out, and in a branch so is the one after the chosen token,
 * which was computed with the prompt.
 */
export class RunStatistics {
  /** `#sums[i]`: total time of the first i tokens, ms. */
  readonly #sums: number[] = [0];
  /** Times of the tokens that count, ascending; `#sortedCount` of them. */
  #sorted = new Float64Array(64);
  #sortedCount = 0;
  #largest: { value: number; index: number } | null = null;
  #largestOf: number;

  /** @param latencies ms per token; may grow @param first index of the first token with a run of its own */
  constructor(
    readonly latencies: readonly number[],
    readonly first = 1,
  ) {
    this.#largestOf = first;
  }

  /** The current rate, tokens/s, over the last few tokens; null before there is one. */
  now(): number | null {
    const end = this.latencies.length;
    return this.#rate(Math.max(this.first, end - RATE_WINDOW), end);
  }

  /** The average rate, tokens/s. */
  average(): number | null {
    return this.#rate(this.first, this.latencies.length);
  }

  /**
   * The rate over time, tokens/s.
   *
   * @param points maximum number; a longer run is averaged in equal parts
   * @returns `token`: the last token of each point, from 1
   */
  overTime(points: number): { token: number; rate: number }[] {
    const { length } = this.latencies;
    const decoded = length - this.first;
    if (decoded < 1) return [];
    const step = Math.max(1, Math.ceil(decoded / points));
    // The first points have the mean of a whole window, or one fast token would stretch the axis.
    const least = decoded > RATE_WINDOW ? this.first + RATE_WINDOW : 0;
    const series: { token: number; rate: number }[] = [];
    for (let end = this.first + step; ; end += step) {
      const upTo = Math.min(end, length);
      const rate = this.#rate(Math.max(this.first, upTo - Math.max(step, RATE_WINDOW)), Math.max(least, upTo));
      if (rate !== null) series.push({ token: upTo, rate });
      if (upTo === length) return series;
    }
  }

  /** The slowest token, ms, and its index. */
  slowest(): { value: number; index: number } | null {
    for (; this.#largestOf < this.latencies.length; this.#largestOf++) {
      const value = this.latencies[this.#largestOf];
      if (this.#largest === null || value > this.#largest.value) this.#largest = { value, index: this.#largestOf };
    }
    return this.#largest;
  }

  /** The median time, ms; null before there is a rate. */
  median(): number | null {
    const sorted = this.#sort();
    const middle = sorted.length >> 1;
    if (sorted.length === 0) return null;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Distribution of the times. The scale ends at the 98th percentile, so outliers do not compress the rest. */
  histogram(bins: number): LatencyHistogram | null {
    const sorted = this.#sort();
    const middle = this.median();
    if (middle === null) return null;
    const from = sorted[0];
    const last = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.98))];
    const to = last > from ? last : from + Math.max(0.1, from * 0.1);
    const binOf = (value: number) => Math.min(bins - 1, Math.max(0, Math.floor(((value - from) / (to - from)) * bins)));
    const counts = new Array<number>(bins).fill(0);
    for (const value of sorted) counts[binOf(value)]++;
    return { counts, from, to, medianBin: binOf(middle) };
  }

  /** Timings of a run whose engine is gone; null without tokens. */
  timings(): Timings | null {
    if (this.latencies.length === 0) return null;
    const [first] = this.latencies;
    return {
      loadMs: 0,
      prefillMs: first,
      timeToFirstTokenMs: first,
      prefillTokensPerSecond: null,
      decodeTokensPerSecond: this.average(),
      totalMs: this.#sum(0, this.latencies.length),
    };
  }

  #sum(from: number, to: number): number {
    for (let at = this.#sums.length; at <= to; at++) this.#sums.push(this.#sums[at - 1] + this.latencies[at - 1]);
    return this.#sums[to] - this.#sums[from];
  }

  /** Tokens per second; null where no time passed. */
  #rate(from: number, to: number): number | null {
    if (to <= from) return null;
    const ms = this.#sum(from, to);
    return ms > 0 ? (1000 * (to - from)) / ms : null;
  }

  /** Merges new times into the sorted ones. */
  #sort(): Float64Array {
    const added = Float64Array.from(this.latencies.slice(this.first + this.#sortedCount)).sort();
    const total = this.#sortedCount + added.length;
    if (total > this.#sorted.length) {
      const larger = new Float64Array(2 * total);
      larger.set(this.#sorted.subarray(0, this.#sortedCount));
      this.#sorted = larger;
    }
    for (let old = this.#sortedCount - 1, fresh = added.length - 1, at = total - 1; fresh >= 0; at--) {
      this.#sorted[at] = old >= 0 && this.#sorted[old] > added[fresh] ? this.#sorted[old--] : added[fresh--];
    }
    this.#sortedCount = total;
    return this.#sorted.subarray(0, total);
  }
}

/** Times of parts of a growing reply, without those in which the prompt was read. */
export class DecodeTimes {
  readonly #latencies: readonly number[];
  /** `#sums[i]`: total time of the first i tokens, ms. */
  readonly #sums: number[] = [0];
  /** Indices of the first tokens of runs, as far as they are known. Token 0 is one in a branch, too. */
  readonly #starts: Set<number>;

  /** @param latencies ms per token; may grow @param runStart index of the first token of the latest run */
  constructor(latencies: readonly number[], runStart: number) {
    this.#latencies = latencies;
    this.#starts = new Set([0, runStart]);
  }

  /** A run begins with a token. */
  beginAt(index: number): void {
    this.#starts.add(index);
  }

  /** Time of tokens `first` to `end`, exclusive, ms, without the first of each run. */
  between(first: number, end: number): number {
    const latencies = this.#latencies;
    for (let at = this.#sums.length; at <= end; at++) this.#sums.push(this.#sums[at - 1] + latencies[at - 1]);
    let time = this.#sums[end] - this.#sums[first];
    for (const start of this.#starts) if (start >= first && start < end) time -= latencies[start];
    return time;
  }
}
