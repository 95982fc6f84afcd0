/** Pictures of the charts about rates. */
import type { Drawing } from '../../../lib/drawing/png.ts';
import { STYLES, type Pen } from '../../../lib/drawing/pen.ts';
import { layoutOf, leftOf, tickText, topOf, type ChartPoint } from '../../../ui/line-chart.ts';
import { formatCount, formatDuration, formatRate, withUnit } from '../../../ui/format.ts';
import type { LatencyHistogram } from '../state/statistics.ts';
import { generationRate } from './rate-tables.ts';
import type { ModelTotals } from './session-totals.svelte.ts';

const WIDTH = 720;
const HEIGHT = 320;
const MARGIN = 24;
/** Title and subtitle. */
const HEAD = 56;
/** Of a model in the picture of the session. */
const ROW = 44;
const NAME_WIDTH = 200;
const VALUE_WIDTH = 88;
const CHART = { width: WIDTH - 2 * MARGIN, height: HEIGHT - HEAD - 2 * MARGIN };

export interface ChartTitle {
  readonly title: string;
  readonly subtitle: string;
}

/** A line chart, as the panel has it. */
export function rateDrawing(points: readonly ChartPoint[], titles: ChartTitle): Drawing {
  return framed(titles, HEIGHT, (pen) => {
    const layout = layoutOf([{ key: 'rate', label: '', points }], CHART.width, CHART.height);
    const [x, y] = [MARGIN, MARGIN + HEAD];
    for (const tick of layout.y.ticks) {
      const at = y + topOf(layout, tick);
      pen.line(lineTo(x + layout.left, at, x + layout.right, at), '--line-1');
      pen.text(tickText(tick, layout.y.step), x + layout.left - 6, at - 8, STYLES.quiet, 'right');
    }
    for (const tick of layout.x.ticks) {
      pen.text(tickText(tick, layout.x.step), x + leftOf(layout, tick), y + layout.bottom + 4, STYLES.quiet, 'center');
    }
    const line = points.map((point) => [x + leftOf(layout, point.x), y + topOf(layout, point.y)] as const);
    pen.line(line, '--accent', 1.75);
  });
}

/** The histogram of the times per token. */
export function timeDrawing({ counts, from, to, medianBin }: LatencyHistogram, titles: ChartTitle): Drawing {
  return framed(titles, HEIGHT, (pen) => {
    const floor = HEIGHT - MARGIN - 20;
    const largest = Math.max(1, ...counts);
    const pitch = CHART.width / counts.length;
    counts.forEach((count, index) => {
      const height = ((floor - MARGIN - HEAD) * count) / largest;
      const colour = index === medianBin ? '--accent' : '--accent-line';
      if (count > 0) pen.box(MARGIN + index * pitch + 2, floor - height, pitch - 4, height, colour, 2);
    });
    pen.line(lineTo(MARGIN, floor, WIDTH - MARGIN, floor), '--line-2');
    pen.text(formatDuration(from), MARGIN, floor + 4, STYLES.quiet);
    pen.text(formatDuration(to), WIDTH - MARGIN, floor + 4, STYLES.quiet, 'right');
  });
}

/** A bar for the rate of each model, with what it is measured on. */
export function totalsDrawing(models: readonly ModelTotals[], titles: ChartTitle): Drawing {
  const fastest = Math.max(0, ...models.map((totals) => generationRate(totals) ?? 0));
  return framed(titles, HEAD + 2 * MARGIN + models.length * ROW, (pen) => {
    models.forEach((totals, index) => {
      const top = MARGIN + HEAD + index * ROW;
      const rate = generationRate(totals);
      const [left, right] = [MARGIN + NAME_WIDTH, WIDTH - MARGIN - VALUE_WIDTH];
      const [name] = pen.wrap([totals.model], STYLES.label, NAME_WIDTH - 12);
      if (name !== undefined) pen.lines([name], MARGIN, top, STYLES.label);
      pen.text(measuredOn(totals), MARGIN, top + 20, STYLES.quiet);
      pen.line(lineTo(left, top + 2, left, top + ROW - 10), '--line-2');
      if (rate !== null) pen.box(left, top + 8, Math.max(2, ((right - left) * rate) / fastest), 18, '--accent', 2);
      const text = rate === null ? '–' : withUnit(formatRate(rate), 'tok/s');
      pen.text(text, WIDTH - MARGIN, top + 7, STYLES.label, 'right');
    });
  });
}

/** For example `3 replies, 120 tokens`. */
function measuredOn({ replies, tokens }: ModelTotals): string {
  return `${formatCount(replies, 'reply', 'replies')}, ${formatCount(tokens, 'token')}`;
}

function framed({ title, subtitle }: ChartTitle, height: number, drawChart: (pen: Pen) => void): Drawing {
  return {
    width: WIDTH,
    height,
    draw: (pen) => {
      pen.box(0, 0, WIDTH, height, '--surface-1');
      pen.text(title, MARGIN, MARGIN, STYLES.title);
      pen.text(subtitle, MARGIN, MARGIN + 26, STYLES.small);
      drawChart(pen);
    },
  };
}

function lineTo(x1: number, y1: number, x2: number, y2: number) {
  return [
    [x1, y1],
    [x2, y2],
  ] as const;
}
