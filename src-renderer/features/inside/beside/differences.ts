/** Pictures of the second run's numbers minus those of the first. Both are of one model and have as many tokens. */
import type { LayerAnswer, NormsAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import { visibleText } from '../../../lib/visible.ts';
import { gridPicture, NARROW_CELL } from '../picture/grid-picture.ts';
import { formatNumber, subtracted, type Picture } from '../picture/picture.ts';
import { headCellSize, type HeadView } from '../steps/attention.ts';
import { LAYER_TENSORS, streamRowName, type LayerTensor } from '../steps/layers.ts';
import type { InsideToken } from '../steps/step-props.ts';
import { nameOf, numbersOf, type TokenRange } from '../steps/token-window.ts';
import { vectorPicture } from '../steps/vectors.ts';

export type TokenPair = readonly [first: readonly InsideToken[], second: readonly InsideToken[]];

/** `a`, or `a | b` where a token differs. */
export function pairLabels([first, second]: TokenPair, { from, to }: TokenRange): string[] {
  return first.slice(from, to).map(({ piece }, at) => {
    const other = second[from + at]?.piece ?? '';
    return piece === other ? visibleText(piece) : `${visibleText(piece)} | ${visibleText(other)}`;
  });
}

/** `0.4 - 0.3 = 0.1`: the second minus the first. */
export function minus(second: number, first: number): string {
  return `${formatNumber(second)} − ${subtracted(first)} = ${formatNumber(second - first)}`;
}

/** Who looks at whom more, and less. */
export function headDifference(first: HeadView, second: HeadView): Picture {
  const { layer, head, queries, keys, tokens } = first;
  const { context } = first.answer;
  const pair: TokenPair = [tokens, second.tokens];
  const both = (row: number, key: number): [number, number] => {
    return [first.answer.weights[row * context + key], second.answer.weights[row * second.answer.context + key]];
  };
  const isMasked = (row: number, key: number) =>
    first.answer.scores[row * context + key] === -Infinity &&
    second.answer.scores[row * second.answer.context + key] === -Infinity;
  const size = headCellSize(keys);
  return gridPicture({
    title: `Layer ${layer + 1}, head ${head + 1}: difference of weights`,
    fileName: `attention-difference-layer-${layer + 1}-head-${head + 1}`,
    origin: { row: queries.from, column: keys.from },
    rowLabels: pairLabels(pair, queries),
    columnLabels: pairLabels(pair, keys),
    columns: keys.to - keys.from,
    ...{ signed: true, cellWidth: size, cellHeight: size, minCellWidth: NARROW_CELL },
    value(row, column) {
      const key = keys.from + column;
      if (isMasked(row, key)) return null;
      const [a, b] = both(row, key);
      return b - a;
    },
    describe(row, column) {
      const key = keys.from + column;
      const [a, b] = both(row, key);
      return {
        name: `${nameOf(tokens, queries.from + row)} looks at ${nameOf(tokens, key)}`,
        value: formatNumber(b - a),
        formula: `second − first = ${minus(b, a)}`,
      };
    },
    table: {
      columns: ['token', 'piece', ...Array.from({ length: context }, (_, key) => String(key))],
      rows: queries.to - queries.from,
      row: (row) => [
        queries.from + row,
        tokens[queries.from + row].piece,
        ...Array.from({ length: context }, (_, key) => {
          const [a, b] = both(row, key);
          return b - a;
        }),
      ],
    },
  });
}

/** How much longer the residual stream is after every layer. @param range the tokens of both answers */
export function streamDifference(
  first: NormsAnswer,
  second: NormsAnswer,
  { tokens, range }: { tokens: TokenPair; range: TokenRange },
): Picture {
  const at = (answer: NormsAnswer, row: number, column: number) => answer.stream[row * answer.tokens + column];
  const difference = (row: number, column: number) => at(second, row, column) - at(first, row, column);
  return gridPicture({
    title: 'Difference of the residual stream’s length',
    fileName: 'residual-stream-difference',
    rowLabels: Array.from({ length: first.layers + 1 }, (_, row) => streamRowName(row)),
    origin: { column: range.from },
    columnLabels: pairLabels(tokens, range),
    columns: first.tokens,
    ...{ signed: true, cellWidth: 22, cellHeight: 18, minCellWidth: NARROW_CELL },
    value: difference,
    describe(row, column) {
      const name = nameOf(tokens[0], range.from + column);
      return {
        name: `${name}, ${row === 0 ? 'before the first layer' : `after layer ${row}`}`,
        value: formatNumber(difference(row, column)),
        formula: `|second| − |first| = ${minus(at(second, row, column), at(first, row, column))}`,
      };
    },
    table: {
      columns: ['after', ...numbersOf(range)],
      rows: first.layers + 1,
      row: (row) => [
        streamRowName(row),
        ...Array.from({ length: first.tokens }, (_, column) => difference(row, column)),
      ],
    },
  });
}

/** The vectors of a layer. @param range the tokens of both answers */
export function layerDifference(
  first: LayerAnswer,
  second: LayerAnswer,
  parts: { tensor: LayerTensor; tokens: TokenPair; range: TokenRange; layer: number },
): Picture {
  const { tensor, tokens, range, layer } = parts;
  const { hidden } = first;
  const [a, b] = [first[tensor], second[tensor]];
  return vectorPicture({
    title: `Layer ${layer + 1}: difference of ${LAYER_TENSORS[tensor].toLowerCase()}`,
    fileName: `layer-${layer + 1}-${tensor}-difference`,
    ...{ tokens: tokens[0], range, values: b.map((value, at) => value - a[at]), width: hidden },
    formula(token, dimension) {
      const at = (token - range.from) * hidden + dimension;
      return `second − first = ${minus(b[at], a[at])}`;
    },
  });
}
