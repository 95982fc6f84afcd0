import type { LogitsAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import { visibleText } from '../../../lib/visible.ts';
import { formatPercent } from '../../../ui/format.ts';
import { barPicture } from '../picture/bar-picture.ts';
import { formatNumber, subtracted, withMinus, type Picture } from '../picture/picture.ts';

/** Natural logarithms of the softmax of logits / temperature, in double precision; -Infinity for the masked. */
function logProbabilities(logits: ArrayLike<number>, temperature: number): Float64Array {
  let max = -Infinity;
  for (let id = 0; id < logits.length; id++) max = Math.max(max, logits[id]);
  const result = new Float64Array(logits.length);
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp((result[id] = (logits[id] - max) / temperature));
  const normaliser = Math.log(sum);
  return result.map((value) => value - normaliser);
}

/** Softmax of logits / temperature, in double precision; the masked (-Infinity) get 0. */
export function probabilities(logits: ArrayLike<number>, temperature: number): Float64Array {
  return logProbabilities(logits, temperature).map(Math.exp);
}

export interface ChangedToken {
  id: number;
  piece: string;
  before: number;
  after: number;
  logitBefore: number;
  logitAfter: number;
}

/** The most probable tokens of both runs, the largest change first. */
export function changedTokens(before: LogitsAnswer, after: LogitsAnswer, temperature: number): ChangedToken[] {
  const own = probabilities(before.logits, 1);
  const changed = probabilities(after.logits, temperature);
  const pieces = new Map([...before.top, ...after.top].map(({ id, piece }) => [id, piece]));
  return [...pieces]
    .map(([id, piece]) => ({
      ...{ id, piece, before: own[id], after: changed[id] },
      ...{ logitBefore: before.logits[id], logitAfter: after.logits[id] },
    }))
    .toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
}

/** How much each token's probability changes. */
export function changesPicture(tokens: readonly ChangedToken[]): Picture {
  return barPicture({
    title: 'Change in probability, in percentage points',
    fileName: 'what-if',
    bars: tokens.map(({ id, piece, before, after, logitBefore, logitAfter }) => ({
      label: visibleText(piece),
      value: after - before,
      shown: pointsText(after - before),
      facts: {
        name: `${visibleText(piece)} (ID ${id})`,
        value: `${formatPercent(before)} → ${formatPercent(after)}`,
        formula: `${formatNumber(after)} − ${subtracted(before)} = ${formatNumber(after - before)}; logit ${formatNumber(logitBefore)} → ${formatNumber(logitAfter)}`,
      },
    })),
    table: {
      columns: ['id', 'piece', 'before', 'after', 'difference', 'logit before', 'logit after'],
      rows: tokens.length,
      row(index) {
        const { id, piece, before, after, logitBefore, logitAfter } = tokens[index];
        return [id, piece, before, after, after - before, logitBefore, logitAfter];
      },
    },
  });
}

/** In percentage points, with two decimals. */
function pointsText(change: number): string {
  const rounded = Math.round(1e4 * change) / 100;
  // Without the sign of -0.
  return withMinus((rounded === 0 ? 0 : rounded).toFixed(2));
}

/** Kullback–Leibler divergence of the changed from the unmodified distribution, bits. */
export function divergence(before: LogitsAnswer, after: LogitsAnswer, temperature: number): number {
  // Logarithms: at a low temperature, most probabilities are too small for a number.
  const own = logProbabilities(before.logits, 1);
  const changed = logProbabilities(after.logits, temperature);
  const nats = own.reduce((sum, logP, id) => {
    const p = Math.exp(logP);
    return p > 0 ? sum + p * (logP - changed[id]) : sum;
  }, 0);
  return nats / Math.LN2;
}
