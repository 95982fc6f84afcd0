import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { LaneReply } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { LINE_DASHES } from '../../../ui/line-chart.ts';
import { bitsOf } from '../../chat/thread/tint.ts';
import { STYLES, type Pen } from '../../../lib/drawing/pen.ts';
import { letterOf } from '../state/lane-labels.ts';

export const CHART_HEIGHT = 200;

/** Each value is the mean of this many tokens up to it: single tokens are too ragged to compare. */
const AVERAGED = 5;
const GRID_BITS = 4;
/** Space for the axes' numbers and the lanes' letters, px. */
const MARGIN = { left: 28, right: 28, top: 36, bottom: 24 };

/** Of a lane's letter, in both directions, px. */
const LETTER_SPACE = 13;

/** Surprisal per token of one reply per lane. @param replies null for a lane without a reply */
export function drawChart(pen: Pen, replies: readonly (LaneReply | null)[], x: number, y: number, width: number): void {
  const series = replies.map((reply) => (reply === null ? [] : averages(surprisals(reply))));
  const tokens = Math.max(2, ...series.map(({ length }) => length));
  const top = Math.max(GRID_BITS, ...series.map((values) => values.reduce((most, value) => Math.max(most, value), 0)));
  const step = GRID_BITS * Math.ceil(top / GRID_BITS / 4);
  // Ends at a line, so that it has a number.
  const bits = Math.ceil(top / step) * step;
  const [left, right] = [x + MARGIN.left, x + width - MARGIN.right];
  const [ceiling, floor] = [y + MARGIN.top, y + CHART_HEIGHT - MARGIN.bottom];
  const across = (token: number) => left + ((right - left) * token) / (tokens - 1);
  const up = (value: number) => floor - ((floor - ceiling) * value) / bits;

  pen.text('Surprisal per token', x, y, STYLES.label);
  pen.text(`bits, mean of ${AVERAGED} tokens`, x + 140, y + 2, STYLES.quiet);
  for (let value = 0; value <= bits; value += step) {
    pen.line(
      [
        [left, up(value)],
        [right, up(value)],
      ],
      '--line-1',
    );
    pen.text(String(value), left - 6, up(value) - 8, STYLES.quiet, 'right');
  }
  for (const token of [0, tokens - 1]) pen.text(String(token + 1), across(token), floor + 4, STYLES.quiet, 'center');
  series.forEach((values, lane) => {
    const colour = laneColour(lane);
    pen.line(
      values.map((value, token) => [across(token), up(value)] as const),
      colour,
      1.75,
      LINE_DASHES[lane] ?? [],
    );
  });
  const ends = series.flatMap((values, lane) => {
    const last = values.at(-1);
    return last === undefined ? [] : [{ lane, x: across(values.length - 1), y: up(last) }];
  });
  for (const { lane, x: end, y: middle } of spread(ends)) {
    const style = { ...STYLES.small, colour: laneColour(lane), weight: 600 };
    // Over the lines of other lanes.
    pen.box(end + 4, middle - LETTER_SPACE / 2, LETTER_SPACE, LETTER_SPACE, '--surface-1', 3);
    pen.text(letterOf(lane), end + 6, middle - style.lineHeight / 2, style);
  }
}

/** Moves letters up that would cover the one below them. */
function spread<End extends { x: number; y: number }>(ends: readonly End[]): End[] {
  const placed: End[] = [];
  for (const end of ends.toSorted((a, b) => b.y - a.y)) {
    const below = placed.filter(({ x }) => Math.abs(x - end.x) < LETTER_SPACE).map(({ y }) => y - LETTER_SPACE);
    placed.push({ ...end, y: Math.min(end.y, ...below) });
  }
  return placed;
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
