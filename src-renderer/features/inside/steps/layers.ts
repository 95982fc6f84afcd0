import type { InsideQuery, LayerAnswer, NormsAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import { barPicture } from '../picture/bar-picture.ts';
import { gridPicture, NARROW_CELL } from '../picture/grid-picture.ts';
import { formatNumber, type Picture } from '../picture/picture.ts';
import type { InsideToken } from './step-props.ts';
import { labelsOf, nameOf, numbersOf, windowAround, type TokenRange } from './token-window.ts';
import { vectorPicture } from './vectors.ts';

/** The lengths for the tokens around one. */
export function normsQuery(token: number, count: number): Extract<InsideQuery, { kind: 'norms' }> {
  return { kind: 'norms', ...windowAround(token, count) };
}

/** Of the residual stream: row 0 is before the first layer. */
export function streamRowName(row: number): string {
  return row === 0 ? 'Input' : `Layer ${row}`;
}

/** The length of the residual stream before and after every layer. @param range the tokens of the answer */
export function streamPicture(answer: NormsAnswer, tokens: readonly InsideToken[], range: TokenRange): Picture {
  const { layers, stream } = answer;
  const at = (row: number, column: number) => stream[row * answer.tokens + column];
  return gridPicture({
    title: 'Length of the residual stream',
    fileName: 'residual-stream-lengths',
    rowLabels: Array.from({ length: layers + 1 }, (_, row) => streamRowName(row)),
    origin: { column: range.from },
    columnLabels: labelsOf(tokens, range),
    columns: answer.tokens,
    cellWidth: 22,
    minCellWidth: NARROW_CELL,
    cellHeight: 18,
    value: at,
    describe(row, column) {
      const value = at(row, column);
      const where = row === 0 ? 'before the first layer' : `after layer ${row}`;
      return {
        name: `${nameOf(tokens, range.from + column)}, ${where}`,
        value: formatNumber(value),
        formula: `|x| = √(Σ x²) = ${formatNumber(value)}`,
      };
    },
    table: {
      columns: ['after', ...numbersOf(range)],
      rows: layers + 1,
      row: (row) => [streamRowName(row), ...stream.subarray(row * answer.tokens, (row + 1) * answer.tokens)],
    },
  });
}

/** How much each block adds at one token of the answer. @param range the tokens of the answer */
export function blocksPicture(
  answer: NormsAnswer,
  tokens: readonly InsideToken[],
  range: TokenRange,
  token: number,
): Picture {
  const blocks = Array.from({ length: answer.layers }, (_, layer) => {
    const at = layer * answer.tokens + token - range.from;
    const before = answer.stream[at];
    return [
      { layer, block: 'attention', length: answer.attention[at], before },
      { layer, block: 'feed-forward', length: answer.feedForward[at], before },
    ];
  }).flat();
  return barPicture({
    title: `Length of what each block adds at ${nameOf(tokens, token)}`,
    fileName: 'blocks',
    bars: blocks.map(({ layer, block, length, before }) => {
      const name = `Layer ${layer + 1}, ${block}`;
      const formula = `|added| = ${formatNumber(length)}; the layer’s input has |x| = ${formatNumber(before)}`;
      return { label: name, value: length, facts: { name, value: formatNumber(length), formula } };
    }),
    table: {
      columns: ['layer', 'block', 'length'],
      rows: blocks.length,
      row: (index) => [blocks[index].layer + 1, blocks[index].block, blocks[index].length],
    },
  });
}

/** Tokens of the picture of vectors: five tensors of each are asked for. */
export const SHOWN_VECTORS = 24;

export const LAYER_TENSORS = {
  input: 'Input',
  attention: 'Attention adds',
  afterAttention: 'After attention',
  feedForward: 'Feed-forward adds',
  output: 'Output',
} as const;

export type LayerTensor = keyof typeof LAYER_TENSORS;

/** The residual stream in a layer, or what a block adds. @param range the tokens of the answer */
export function layerPicture(
  answer: LayerAnswer,
  parts: { tensor: LayerTensor; tokens: readonly InsideToken[]; range: TokenRange; layer: number },
): Picture {
  const { tensor, tokens, range, layer } = parts;
  const { hidden } = answer;
  return vectorPicture({
    title: `Layer ${layer + 1}: ${LAYER_TENSORS[tensor].toLowerCase()}`,
    fileName: `layer-${layer + 1}-${tensor}`,
    ...{ tokens, range, values: answer[tensor], width: hidden },
    formula(token, dimension, value) {
      const at = (token - range.from) * hidden + dimension;
      const shown = formatNumber(value);
      switch (tensor) {
        case 'afterAttention':
          return sum(answer.input[at], answer.attention[at], value);
        case 'output':
          return sum(answer.afterAttention[at], answer.feedForward[at], value);
        case 'input':
          return `x[${dimension}] = ${shown}, ${layer === 0 ? 'the embedding' : `the output of layer ${layer}`}`;
        case 'attention':
        case 'feedForward':
          return `added to x[${dimension}]: ${formatNumber(value)}`;
      }
    },
  });
}

/** The operands of an addition. Models with a norm behind it say so. */
function sum(before: number, added: number, value: number): string {
  const text = `${formatNumber(before)} + ${formatNumber(added)}`;
  const total = before + added;
  const isPlain = Math.abs(total - value) <= 1e-4 * Math.max(1, Math.abs(value));
  return isPlain
    ? `x + added = ${text} = ${formatNumber(value)}`
    : `norm(x + added): norm of ${text} = ${formatNumber(value)}`;
}
