import { gridPicture } from '../picture/grid-picture.ts';
import { formatNumber, type CellFacts, type Picture } from '../picture/picture.ts';
import type { InsideToken } from './step-props.ts';
import { labelsOf, nameOf, type TokenRange } from './token-window.ts';

export interface VectorOptions {
  title: string;
  fileName: string;
  tokens: readonly InsideToken[];
  /** The tokens of the rows of `values`. */
  range: TokenRange;
  /** `[to - from, width]`. */
  values: ArrayLike<number>;
  width: number;
  /** How the value of a token (counted in the run) in a dimension came about. */
  formula(token: number, dimension: number, value: number): string;
}

/** Px that all dimensions take, if a pixel each is enough. */
const TARGET_WIDTH = 640;
const MAX_CELL = 14;
const ROW = 16;

/** One row of coloured cells per token, one column per dimension. */
export function vectorPicture(options: VectorOptions): Picture {
  const { title, fileName, tokens, range, values, width, formula } = options;
  const at = (row: number, dimension: number) => values[row * width + dimension];
  return gridPicture({
    ...{ title, fileName, signed: true, columns: width, columnLabels: [] },
    origin: { row: range.from },
    rowLabels: labelsOf(tokens, range),
    cellWidth: Math.max(1, Math.min(MAX_CELL, Math.floor(TARGET_WIDTH / width))),
    cellHeight: ROW,
    minCellWidth: 1,
    value: at,
    describe(row, dimension): CellFacts {
      const token = range.from + row;
      const value = at(row, dimension);
      return {
        name: `${nameOf(tokens, token)}, dimension ${dimension}`,
        value: formatNumber(value),
        formula: formula(token, dimension, value),
      };
    },
    table: {
      columns: ['token', 'piece', ...Array.from({ length: width }, (_, dimension) => String(dimension))],
      rows: range.to - range.from,
      row: (row) => [
        range.from + row,
        tokens[range.from + row]?.piece ?? '',
        ...Array.from({ length: width }, (_, dimension) => at(row, dimension)),
      ],
    },
  });
}

export function dot(a: ArrayLike<number>, aAt: number, b: ArrayLike<number>, bAt: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[aAt + i] * b[bAt + i];
  return sum;
}
