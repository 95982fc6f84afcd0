/** The table of a draw: candidates down, stages across. */
import type { CandidatePath, SamplerStageReport, SamplingParams } from '../../../src-main/engine/api/types.ts';
import { formatInteger, formatPercent } from '../../ui/format.ts';
import { isOn, stageText } from './stage-text.ts';
import { TOP_CANDIDATES, type Explained } from './waterfall.svelte.ts';

export interface StageColumn {
  key: string;
  label: string;
  note: string;
  survivors: number;
  /** Survivors without a row. */
  more: number;
}

export type StageCell =
  /** Hollow bar: a logit. `changed`: the stage changed it. */
  | { kind: 'logit'; bar: number; text: string; changed: boolean }
  | { kind: 'probability'; bar: number; text: string }
  | { kind: 'removed'; reason: string }
  /** An earlier stage removed it. */
  | { kind: 'gone' };

export interface WaterfallRow {
  id: number;
  piece: string;
  rank: number;
  cells: StageCell[];
  /** Part of the line that draws it, `[from, to]`; null if it was removed. */
  share: readonly [number, number] | null;
  picked: boolean;
}

export interface WaterfallTable {
  columns: StageColumn[];
  /** Without gaps from the most probable one on. */
  rows: WaterfallRow[];
  /** Further candidates, lower in rank. */
  others: WaterfallRow[];
}

interface ShownStage {
  at: number;
  report: SamplerStageReport;
  onLogits: boolean;
}

export function waterfallTable(explained: Explained, vocabularySize: number): WaterfallTable {
  const { draw, sampling, survivors } = explained;
  const stages = shownStages(explained);
  const scale = scaleOf(draw.rows, stages);
  const share = new Map(draw.line.map(({ id, from, to }) => [id, [from, to] as const]));
  const all = draw.rows.map((row): WaterfallRow => {
    return {
      id: row.id,
      piece: row.piece,
      rank: row.rank,
      cells: [logitCell(row.logit, null, scale), ...stages.map((stage) => cellOf(row, stage, sampling, scale))],
      share: share.get(row.id) ?? null,
      picked: row.id === draw.id,
    };
  });
  const listed = (at: number) => draw.rows.filter(({ stages: after }) => after[at] !== null).length;
  const columns = stages.map(({ at, report }, i): StageColumn => {
    const { label, note } = stageText(report.stage);
    return {
      key: `${report.stage} ${i}`,
      label,
      note: note(sampling, report),
      survivors: report.survivors,
      more: report.survivors - listed(at),
    };
  });
  // Tokens that are never generated are counted only if their column is shown.
  const hidden = stages.some(({ report }) => report.stage === 'mask')
    ? 0
    : (explained.stages.find(({ stage }) => stage === 'mask')?.removed ?? 0);
  const scores = {
    key: 'scores',
    label: 'Scores',
    note: 'the model’s logits',
    survivors: vocabularySize - hidden,
    more: vocabularySize - hidden - draw.rows.length,
  };
  const drawn = {
    key: 'pick',
    label: 'Pick',
    note: 'one random draw',
    survivors: 1,
    more: survivors - all.filter((row) => row.share !== null).length,
  };
  return {
    columns: [scores, ...columns, drawn],
    rows: all.filter(({ rank }) => rank <= TOP_CANDIDATES),
    others: all.filter(({ rank }) => rank > TOP_CANDIDATES),
  };
}

/** Stages that are on, and others where they affect a row. */
function shownStages({ draw, stages, sampling }: Explained): ShownStage[] {
  return stages.flatMap((report, at) => {
    const affects = draw.rows.some(({ logit, stages: after }) => {
      const before = at === 0 ? { logit } : after[at - 1];
      return before !== null && after[at]?.logit !== before.logit;
    });
    if (!isOn(report.stage, sampling) && !affects) return [];
    return [{ at, report, onLogits: stageText(report.stage).onLogits ?? false }];
  });
}

interface Scale {
  /** Logits at the left and right ends of a bar. */
  low: number;
  high: number;
  /** Probability of a full bar. */
  probability: number;
}

function scaleOf(rows: readonly CandidatePath[], stages: readonly ShownStage[]): Scale {
  const logits = rows.flatMap(({ logit, stages: after }) => [
    logit,
    ...stages.flatMap(({ at, onLogits }) => (onLogits && after[at] ? [after[at].logit] : [])),
  ]);
  const probabilities = rows.flatMap(({ stages: after }) =>
    stages.flatMap(({ at, onLogits }) => (!onLogits && after[at] ? [after[at].probability] : [])),
  );
  const high = Math.max(...logits);
  const lowest = Math.min(...logits);
  // Bars begin at 0 where all logits are above it.
  const low = lowest >= 0 ? 0 : lowest - 0.1 * (high - lowest);
  return { low, high, probability: Math.max(0, ...probabilities) };
}

function logitCell(logit: number, before: number | null, { low, high }: Scale): StageCell {
  const bar = high > low ? (logit - low) / (high - low) : 1;
  return { kind: 'logit', bar, text: logit.toFixed(2).replace('-', '−'), changed: before !== null && before !== logit };
}

function cellOf(row: CandidatePath, stage: ShownStage, sampling: SamplingParams, scale: Scale): StageCell {
  const { at, report, onLogits } = stage;
  const after = row.stages[at];
  const before = at === 0 ? { logit: row.logit } : row.stages[at - 1];
  if (after === null) {
    if (before === null) return { kind: 'gone' };
    return { kind: 'removed', reason: stageText(report.stage).reason(sampling, report) || 'removed' };
  }
  if (onLogits) return logitCell(after.logit, before?.logit ?? null, scale);
  const bar = scale.probability > 0 ? after.probability / scale.probability : 0;
  return { kind: 'probability', bar, text: formatPercent(after.probability) };
}

/** The part of the line that draws a candidate: `0.469 – 0.730`. */
export function shareText([from, to]: readonly [number, number]): string {
  return `${from.toFixed(3)} – ${to.toFixed(3)}`;
}

/** `7,988 more`, or nothing. */
export function moreText(count: number): string {
  return count > 0 ? `${formatInteger(count)} more` : '';
}
