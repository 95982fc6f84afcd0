import type { AttentionAnswer, InsideQuery } from '../../../../src-main/engine/api/inside-types.ts';
import { gridPicture, NARROW_CELL } from '../picture/grid-picture.ts';
import { formatNumber, subtracted, type Picture } from '../picture/picture.ts';
import type { InsideToken } from './step-props.ts';
import type { Answers, ShownAnswer } from '../state/answers.svelte.ts';
import { labelsOf, nameOf, SHOWN_TOKENS, windowAround, type TokenRange } from './token-window.ts';
import { dot, vectorPicture } from './vectors.ts';

/** Longest run that is asked about with all keys and values. An answer has at most 8 million numbers. */
const ALL_KEYS = 4096;
/** Most weights and scores of an answer; a score has the size of two. */
const MOST_WEIGHTS = 7_500_000;

/**
 * One head, for the queries around the selected token. The step and the token strip ask the same, unless a long run shows
 * other keys.
 * @param keysFrom first key that is shown; null for the keys of the queries
 */
export function headQuery(
  { layer, head, token }: { layer: number; head: number; token: number },
  count: number,
  keysFrom: number | null = null,
): Extract<InsideQuery, { kind: 'attention' }> {
  // Windows move by a quarter of their size.
  const rows = Math.min(SHOWN_TOKENS, 4 * Math.floor(MOST_WEIGHTS / (4 * 3 * count)));
  const queries = windowAround(token, count, rows);
  const query = { kind: 'attention', layer, head, ...queries } as const;
  return count <= ALL_KEYS ? query : { ...query, keys: shownKeys(queries, keysFrom, queries.to) };
}

/** The parts of a long run's keys that queries before `to` may look at. */
export function keyParts(to: number, { ids, interventions }: Pick<Answers, 'ids' | 'interventions'>): TokenRange[] {
  const isCausal = interventions.every(({ kind }) => kind !== 'causal_mask');
  const end = isCausal ? to : ids.length;
  return Array.from({ length: Math.ceil(end / SHOWN_TOKENS) }, (_, part) => {
    const from = part * SHOWN_TOKENS;
    return { from, to: Math.min(ids.length, from + SHOWN_TOKENS) };
  });
}

/** @param end of the keys that the queries may look at */
export function shownKeys(queries: TokenRange, keysFrom: number | null, end: number): TokenRange {
  if (keysFrom === null || keysFrom >= end) return queries;
  return { from: keysFrom, to: Math.min(end, keysFrom + SHOWN_TOKENS) };
}

/** What a query gives to each key; null if the answer does not have the query. */
export function weightsOf(
  { query, answer }: ShownAnswer<Extract<InsideQuery, { kind: 'attention' }>>,
  token: number,
): Float32Array | null {
  if (token < query.from || token >= query.to) return null;
  const row = token - query.from;
  return answer.weights.subarray(row * answer.context, (row + 1) * answer.context);
}

/** Whether a head is off in a run. */
export function isHeadOff(
  { interventions }: Pick<Answers, 'interventions'>,
  { layer, head }: { layer: number; head: number },
): boolean {
  return interventions.some((one) => one.kind === 'head' && one.layer === layer && one.head === head);
}

export type AttentionTensor = 'weights' | 'scores';

export interface HeadView {
  answer: AttentionAnswer;
  tokens: readonly InsideToken[];
  /** From 0. */
  layer: number;
  head: number;
  /** Queries that the rows of the answer stand for. */
  queries: TokenRange;
  /** Keys that are shown. */
  keys: TokenRange;
  /** Whether the head is off: what it passes on is 0. */
  isOff?: boolean;
  /** The token that is looked at. */
  token?: number;
}

const MAX_CELL = 34;
/** Px that all keys take. */
const TARGET_WIDTH = 520;
/** Terms of the weighted sum that a formula lists. */
const TERMS = 3;

/** Side of a cell, px. */
export function headCellSize({ from, to }: TokenRange): number {
  return Math.max(6, Math.min(MAX_CELL, Math.floor(TARGET_WIDTH / (to - from))));
}

/** Who looks at whom: one row per query, one column per key. */
export function headPicture(view: HeadView, tensor: AttentionTensor): Picture {
  const { answer, tokens, layer, head, queries, keys } = view;
  const { context } = answer;
  const size = headCellSize(keys);
  const value = (row: number, key: number) => {
    if (answer.scores[row * context + key] === -Infinity) return null;
    return answer[tensor][row * context + key];
  };
  return gridPicture({
    title: `Layer ${layer + 1}, head ${head + 1}: row looks at column`,
    fileName: `attention-${tensor}-layer-${layer + 1}-head-${head + 1}`,
    origin: { row: queries.from, column: keys.from },
    rowLabels: labelsOf(tokens, queries),
    minCellWidth: NARROW_CELL,
    columnLabels: labelsOf(tokens, keys),
    columns: keys.to - keys.from,
    signed: tensor === 'scores',
    ...(tensor === 'weights' ? { max: 1 } : {}),
    ...selectedRow(view),
    cellWidth: size,
    cellHeight: size,
    value: (row, column) => value(row, keys.from + column),
    describe: (row, column) => describeCell(view, tensor, row, keys.from + column),
    table: {
      columns: ['token', 'piece', ...Array.from({ length: context }, (_, key) => String(key))],
      rows: queries.to - queries.from,
      row: (row) => [
        queries.from + row,
        tokens[queries.from + row].piece,
        ...answer[tensor].subarray(row * context, (row + 1) * context),
      ],
    },
  });
}

function selectedRow({ token, queries }: HeadView): { selected?: number } {
  if (token === undefined || token < queries.from || token >= queries.to) return {};
  return { selected: token - queries.from };
}

function describeCell(view: HeadView, tensor: AttentionTensor, row: number, key: number) {
  const { answer, tokens, queries } = view;
  const at = row * answer.context + key;
  const name = `${nameOf(tokens, queries.from + row)} looks at ${nameOf(tokens, key)}`;
  if (answer.scores[at] === -Infinity) {
    const isLater = answer.causal && key > queries.from + row;
    const why = isLater ? 'masked: the key is a later token' : `masked: outside the window of ${answer.window} tokens`;
    return { name, value: tensor === 'weights' ? '0' : '−∞', formula: why };
  }
  return {
    name,
    value: formatNumber(answer[tensor][at]),
    formula: tensor === 'scores' ? scoreFormula(answer, row, key) : weightFormula(answer, row, key),
  };
}

/** `q·k / √32 = 12.3 / 5.65685 = 2.17`. */
function scoreFormula(answer: AttentionAnswer, row: number, key: number): string {
  const { queries, keys, firstKey, headDim, scale, softcap, scores, context } = answer;
  const product = dot(queries, row * headDim, keys, (key - firstKey) * headDim, headDim);
  const score = formatNumber(scores[row * context + key]);
  const root = Math.sqrt(headDim);
  const isRoot = Math.abs(scale * root - 1) < 1e-6;
  const scaled = isRoot
    ? `q·k / √${headDim} = ${formatNumber(product)} / ${formatNumber(root)}`
    : `q·k × ${formatNumber(scale)} = ${formatNumber(product)} × ${formatNumber(scale)}`;
  if (softcap === null) return `${scaled} = ${score}`;
  return `${scaled} = ${formatNumber(product * scale)}, capped: ${softcap} tanh(score / ${softcap}) = ${score}`;
}

/** `softmax: e^2.17 / Σ e^score = 8.76 / 21.6 = 0.405`. */
function weightFormula({ scores, weights, context }: AttentionAnswer, row: number, key: number): string {
  const own = scores.subarray(row * context, (row + 1) * context);
  const max = own.reduce((largest, score) => Math.max(largest, score), -Infinity);
  const sum = own.reduce((total, score) => total + Math.exp(score - max), 0);
  const part = Math.exp(own[key] - max);
  const weight = weights[row * context + key];
  const [score, largest] = [formatNumber(own[key]), subtracted(max)];
  return `softmax: e^(${score} − ${largest}) / Σ e^(score − ${largest}) = ${formatNumber(part)} / ${formatNumber(sum)} = ${formatNumber(weight)}`;
}

/** The weighted sums of values, which the head passes on. */
export function outputPicture({ answer, tokens, layer, head, queries, isOff = false }: HeadView): Picture {
  const { output, headDim, context, weights, values, firstKey } = answer;
  return vectorPicture({
    title: `Weighted sum of values, layer ${layer + 1}, head ${head + 1}`,
    fileName: `attention-output-layer-${layer + 1}-head-${head + 1}`,
    ...{ tokens, range: queries, values: output, width: headDim },
    formula(token, dimension, value) {
      if (isOff) return 'the head is off: 0';
      const row = token - queries.from;
      const own = weights.subarray(row * context, (row + 1) * context);
      const count = own.reduce((sum, weight) => sum + Number(weight > 0), 0);
      const terms = Array.from({ length: values.length / headDim }, (_, key) => ({
        weight: own[firstKey + key],
        value: values[key * headDim + dimension],
      })).filter(({ weight }) => weight > 0);
      terms.sort((a, b) => Math.abs(b.weight * b.value) - Math.abs(a.weight * a.value));
      const shown = terms.slice(0, TERMS).map((term) => `${formatNumber(term.weight)} × ${formatNumber(term.value)}`);
      if (count > shown.length) shown.push(`${count - shown.length} more`);
      return `Σ weight × value = ${shown.join(' + ')} = ${formatNumber(value)}`;
    },
  });
}

/** The keys that a query looks at most, strongest first. */
export function strongestKeys(answer: AttentionAnswer, row: number, count: number): { key: number; weight: number }[] {
  const { weights, context } = answer;
  return Array.from({ length: context }, (_, key) => ({ key, weight: weights[row * context + key] }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, count);
}
