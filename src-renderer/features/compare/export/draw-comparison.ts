/** A picture of a run: prompt, lanes with token tints and metrics, and the chart of surprisals. */
import type {
  LaneReply,
  StoredComparison,
  StoredLane,
} from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { formatCount, formatRate, withUnit } from '../../../ui/format.ts';
import { CHART_HEIGHT, drawChart, laneColour } from './draw-chart.ts';
import { STYLES, type Pen, type TextStyle } from '../../../lib/drawing/pen.ts';
import { letterOf } from '../state/lane-labels.ts';
import { changedSettings, referenceLane, replyFigures, stopLabel } from './rows.ts';
import { drawLegend, LEGEND_WIDTH, tokenTint } from './token-tints.ts';
import { pngOf } from '../../../lib/drawing/png.ts';
import type { WrappedLine } from '../../../lib/drawing/wrap-tokens.ts';

const MARGIN = 24;
const GAP = 24;
const LANE_WIDTH = 320;
/** At most. */
const LANES_PER_ROW = 4;
/** Half of the highest canvas that Chromium draws without the GPU's limit of 16,384 px. */
const MAX_HEIGHT = 8000;
const MAX_PROMPT_LINES = 12;
const MAX_SETTING_LINES = 4;
const BADGE = 20;
const LEAST_LINES = 3;

export interface DrawnComparison {
  /** CSS px. */
  width: number;
  height: number;
  draw(pen: Pen): void;
}

/** @throws Error if the browser cannot draw a picture of this size */
export async function comparisonPng(comparison: StoredComparison): Promise<Blob> {
  return await pngOf((pen) => layOut(comparison, pen));
}

/** Breaks lines and places everything. @param pen measures texts only */
export function layOut(comparison: StoredComparison, pen: Pen): DrawnComparison {
  const { title, lanes } = comparison;
  const rows = Math.ceil(lanes.length / LANES_PER_ROW);
  const columns = Math.max(2, Math.ceil(lanes.length / rows));
  const width = 2 * MARGIN + columns * LANE_WIDTH + (columns - 1) * GAP;
  const inner = width - 2 * MARGIN;
  const promptWidth = inner - LEGEND_WIDTH - GAP;
  const prompt = limited(pen.wrap([promptText(comparison)], STYLES.prompt, promptWidth), MAX_PROMPT_LINES);
  const promptTop = MARGIN + (title === '' ? 0 : STYLES.title.lineHeight + 8);
  const lanesTop = promptTop + prompt.lines.length * STYLES.prompt.lineHeight + moreHeight(prompt) + GAP;
  const room = MAX_HEIGHT - lanesTop - CHART_HEIGHT - 2 * MARGIN;
  const drawn = lanes.map((lane, index) => layOutLane(pen, comparison, lane, index, room / rows));
  const rowHeights = Array.from({ length: rows }, (_, row) =>
    Math.max(...drawn.slice(row * columns, (row + 1) * columns).map(({ height }) => height)),
  );
  const rowTop = (row: number) => rowHeights.slice(0, row).reduce((sum, height) => sum + height + GAP, lanesTop);
  const chartTop = rowTop(rows);
  return {
    width,
    height: chartTop + CHART_HEIGHT + MARGIN,
    draw(canvas) {
      canvas.box(0, 0, width, chartTop + CHART_HEIGHT + MARGIN, '--surface-1');
      if (title !== '') canvas.text(clipped(canvas, title, STYLES.title, inner - 8), MARGIN, MARGIN, STYLES.title);
      canvas.lines(prompt.lines, MARGIN, promptTop, STYLES.prompt);
      drawMore(canvas, prompt, MARGIN, promptTop + prompt.lines.length * STYLES.prompt.lineHeight);
      drawLegend(canvas, width - MARGIN - LEGEND_WIDTH, promptTop, STYLES.prompt.lineHeight);
      drawn.forEach(({ draw }, index) => {
        const [row, column] = [Math.floor(index / columns), index % columns];
        draw(canvas, MARGIN + column * (LANE_WIDTH + GAP), rowTop(row));
      });
      const replies = lanes.map((lane) => lane.replies[0] ?? null);
      drawChart(canvas, replies, MARGIN, chartTop, inner);
    },
  };
}

interface DrawnLane {
  height: number;
  draw(pen: Pen, x: number, y: number): void;
}

/** The lane's first sample. @param room height that it may take */
function layOutLane(
  pen: Pen,
  comparison: StoredComparison,
  { settings, replies }: StoredLane,
  index: number,
  room: number,
): DrawnLane {
  const reply = replies[0] ?? null;
  const all = comparison.lanes.map((lane) => lane.settings);
  const summary = [settings.modelName, ...changedSettings(settings, all)].join(' · ');
  const heading = limited(pen.wrap([summary], STYLES.quiet, LANE_WIDTH), MAX_SETTING_LINES);
  const textTop = 12 + BADGE + 4 + heading.lines.length * STYLES.quiet.lineHeight + moreHeight(heading) + 8;
  const facts =
    reply === null
      ? ['No reply']
      : factLines(comparison, reply, replies.filter(({ facts }) => facts.branch === undefined).length);
  const factsHeight = 12 + facts.length * STYLES.small.lineHeight;
  const most = Math.max(LEAST_LINES, Math.floor((room - textTop - factsHeight - 2 * GAP) / STYLES.lane.lineHeight));
  const text = limited(pen.wrap(reply === null ? [] : tokenTexts(reply), STYLES.lane, LANE_WIDTH), most);
  const factsTop = textTop + text.lines.length * STYLES.lane.lineHeight + moreHeight(text) + 12;
  const shared = sharedTokens(comparison, reply, index);
  const tintOf = (token: number) => (reply === null || token < shared ? null : tokenTint(reply, token));
  return {
    height: factsTop + factsHeight,
    draw(canvas, x, y) {
      canvas.box(x, y, LANE_WIDTH, 2, laneColour(index));
      canvas.box(x, y + 12, BADGE, BADGE, laneColour(index), 4);
      const onBadge = { ...STYLES.label, colour: '--surface-1' };
      canvas.text(letterOf(index), x + BADGE / 2, y + 12, onBadge, 'center');
      canvas.text(
        clipped(canvas, settings.label, STYLES.label, LANE_WIDTH - BADGE - 16),
        x + BADGE + 8,
        y + 12,
        STYLES.label,
      );
      canvas.lines(heading.lines, x, y + 12 + BADGE + 4, STYLES.quiet);
      drawMore(canvas, heading, x, y + textTop - 8 - moreHeight(heading));
      canvas.lines(text.lines, x, y + textTop, STYLES.lane, {
        tint: (token) => tintOf(token)?.colour ?? null,
        underline: (token) => tintOf(token)?.underline ?? null,
        colour: (token) => (token < shared ? '--text-3' : '--text-1'),
      });
      drawMore(canvas, text, x, y + factsTop - 12 - moreHeight(text));
      facts.forEach((fact, line) => {
        canvas.text(
          clipped(canvas, fact, STYLES.small, LANE_WIDTH - 8),
          x,
          y + factsTop + line * STYLES.small.lineHeight,
          STYLES.small,
        );
      });
    },
  };
}

/** Tokens at the start that equal the reference lane's, which are dimmed. 0 for itself and for other models. */
function sharedTokens(comparison: StoredComparison, reply: LaneReply | null, lane: number): number {
  const reference = comparison.lanes[referenceLane(comparison)]?.replies[0] ?? null;
  if (reply === null || reference === null || lane === referenceLane(comparison)) return 0;
  if (reply.facts.modelId !== reference.facts.modelId) return 0;
  return replyFigures(reply, reference).divergesAt ?? reply.tokens.ids.length;
}

function factLines(comparison: StoredComparison, reply: LaneReply, samples: number): string[] {
  const reference = comparison.lanes[referenceLane(comparison)]?.replies[0] ?? null;
  const figures = replyFigures(reply, reference);
  const { decodeTokensPerSecond: rate, perplexity, meanSurprisal, distinct1, distinct2 } = figures;
  const count = formatCount(figures.tokens, 'token');
  const of = samples > 1 ? [`sample 1 of ${samples}`] : [];
  return [
    stopLabel(reply.facts.stop),
    [count, `seed ${reply.facts.seed}`, ...of].join(' · '),
    ...(rate === null ? [] : [`${withUnit(formatRate(rate), 'tok/s')} in this lane`]),
    ...(perplexity === null || meanSurprisal === null
      ? []
      : [`Perplexity ${perplexity.toFixed(2)} · ${withUnit(meanSurprisal.toFixed(2), 'bits')} per token`]),
    ...(distinct1 === null
      ? []
      : [`Distinct-1 ${distinct1.toFixed(2)} · distinct-2 ${distinct2?.toFixed(2) ?? 'none'}`]),
  ];
}

function promptText({ prompt }: StoredComparison): string {
  if (prompt.kind === 'text') return prompt.text;
  return prompt.messages.map(({ role, text }) => `${role === 'user' ? 'User' : 'Assistant'}: ${text}`).join('\n');
}

function tokenTexts({ text, tokens }: LaneReply): string[] {
  let at = 0;
  return tokens.lengths.map((length) => text.slice(at, (at += length)));
}

/** Lines up to a number, and how many were left out. */
interface Limited {
  lines: WrappedLine[];
  more: number;
}

function limited(lines: WrappedLine[], most: number): Limited {
  return lines.length <= most ? { lines, more: 0 } : { lines: lines.slice(0, most), more: lines.length - most };
}

function moreHeight({ more }: Limited): number {
  return more === 0 ? 0 : STYLES.quiet.lineHeight;
}

function drawMore(pen: Pen, { more }: Limited, x: number, y: number): void {
  if (more > 0) pen.text(`… ${formatCount(more, 'more line')}`, x, y, STYLES.quiet);
}

/** One line of at most `width`. */
function clipped(pen: Pen, text: string, style: TextStyle, width: number): string {
  const whole = text.replace(/\s+/gu, ' ').trim();
  const shown =
    pen
      .wrap([whole], style, width)[0]
      ?.map((fragment) => fragment.text)
      .join('') ?? '';
  return shown === whole ? whole : `${shown.trimEnd()}…`;
}
