import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { LaneReply } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { bitsOf } from '../../chat/thread/tint.ts';
import { STYLES, type Pen } from './pen.ts';
import { laneLetter } from './rows.ts';

export const CHART_HEIGHT = 200;

/** Each value is the mean of this many tokens up to it: single tokens are too ragged to compare. */
const AVERAGED = 5;
const GRID_BITS = 4;
/** Space for the axes' numbers and the lanes' letters, px. */
const MARGIN = { left: 28, right: 28, top: 36, bottom: 24 };
/** Lanes differ in their dashes, too. */
const DASHES: readonly number[][] = [[], [6, 3], [2, 3], [8, 3, 2, 3], [12, 4], [4, 4], [1, 3], [10, 2, 4, 2]];

/** Surprisal per token of one reply per lane. @param replies null for a lane without a reply */
export function drawChart(pen: Pen, replies: readonly (LaneReply | null)[], x: number, y: number, width: number): void {
  const series = replies.map((reply) => (reply === null ? [] : averages(surprisals(reply))));
  const tokens = Math.max(2, ...series.map(({ length }) => length));
  const top = Math.max(GRID_BITS, ...series.map((values) => values.reduce((most, value) => Math.max(most, value), 0)));
  const bits = Math.ceil(top / GRID_BITS) * GRID_BITS;
  const [left, right] = [x + MARGIN.left, x + width - MARGIN.right];
  const [ceiling, floor] = [y + MARGIN.top, y + CHART_HEIGHT - MARGIN.bottom];
  const across = (token: number) => left + ((right - left) * token) / (tokens - 1);
  const up = (value: number) => floor - ((floor - ceiling) * value) / bits;

  pen.text('Surprisal per token', x, y, STYLES.label);
  pen.text(`bits, mean of ${AVERAGED} tokens`, x + 140, y + 2, STYLES.quiet);
  for (let value = 0; value <= bits; value += GRID_BITS * Math.ceil(bits / GRID_BITS / 4)) {
    pen.line(
      [
        [left, up(value)],
        [right, up(value)],
      ],
      '--line-1',
    );
    pen.text(String(value), left - 6, up(value) - 8, STYLES.quiet, 'right');
  }
  for (const token of [0, tokens - 1]) pen.text(String(token), across(token), floor + 4, STYLES.quiet, 'center');
  series.forEach((values, lane) => {
    const colour = laneColour(lane);
    pen.line(
      values.map((value, token) => [across(token), up(value)] as const),
      colour,
      1.75,
      DASHES[lane] ?? [],
    );
    const last = values.at(-1);
    if (last === undefined) return;
    pen.text(laneLetter(lane), across(values.length - 1) + 6, up(last) - 8, { ...STYLES.small, colour, weight: 600 });
  });
}

export function laneColour(lane: number): string {
  return `--lane-${lane + 1}`;
}

function surprisals({ tokens }: LaneReply): number[] {
  return tokens.logprobs.filter((_, index) => tokens.ids[index] !== NO_TOKEN).map(bitsOf);
}

function averages(values: readonly number[]): number[] {
  return values.map((_, index) => {
    const window = values.slice(Math.max(0, index + 1 - AVERAGED), index + 1);
    return window.reduce((sum, value) => sum + value, 0) / window.length;
  });
}
