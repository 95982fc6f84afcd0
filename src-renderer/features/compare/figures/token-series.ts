/** Lines of the chart: a number per token of each lane, smoothed. */
import type { TokenColumns } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { ChartPoint } from '../../../ui/line-chart.ts';
import { bitsOf } from '../../chat/thread/tint.ts';

export type SeriesKind = 'surprisal' | 'probability' | 'time';

/** Tokens of the moving average. */
export const SMOOTHED_OVER = 5;
/** Points of a line; a longer reply is averaged in equal parts. */
const MAX_POINTS = 240;

/** A series of token columns that grow in place: values that were computed are kept. */
export class TokenSeries {
  readonly #kind: SeriesKind;
  /** `#sums[i]`: sum of the first i values. */
  readonly #sums = [0];

  constructor(kind: SeriesKind) {
    this.#kind = kind;
  }

  /**
   * `x`: number of the last token of each part, from 1; `y`: mean of it and up to four before, or of the part.
   * @param runStarts see `Lane.runStartsOf`
   */
  points(
    { logprobs, latencies }: Pick<TokenColumns, 'logprobs' | 'latencies'>,
    runStarts: readonly number[] = [0],
  ): ChartPoint[] {
    const sums = this.#sums;
    // Their times include the reading of a prompt.
    const leftOut: readonly number[] = this.#kind === 'time' ? runStarts : [];
    for (let at = sums.length - 1; at < logprobs.length; at++) {
      sums.push(sums[at] + (leftOut.includes(at) ? 0 : valueOf(this.#kind, logprobs[at], latencies[at])));
    }
    const first = this.#kind === 'time' ? 1 : 0;
    const { length } = logprobs;
    const step = Math.max(1, Math.ceil((length - first) / MAX_POINTS));
    const points: ChartPoint[] = [];
    for (let end = first + step; end - step < length; end += step) {
      const to = Math.min(end, length);
      const from = Math.max(first, to - Math.max(step, SMOOTHED_OVER));
      const count = to - from - leftOut.filter((at) => at >= from && at < to).length;
      if (count > 0) points.push({ x: to, y: (sums[to] - sums[from]) / count });
    }
    return points;
  }
}

function valueOf(kind: SeriesKind, logprob: number, latencyMs: number): number {
  if (kind === 'surprisal') return bitsOf(logprob);
  return kind === 'probability' ? 100 * Math.exp(logprob) : latencyMs;
}
