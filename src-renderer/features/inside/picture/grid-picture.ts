import { shortened } from '../../../../src-main/protocol/cut-text.ts';
import type { Box, Cell, CellFacts, Picture, Table } from './picture.ts';
import type { Shape } from './scene.ts';
import { tintOf } from './tint.ts';

export interface GridOptions {
  title: string;
  fileName: string;
  rowLabels: readonly string[];
  /** Empty: none are drawn. */
  columnLabels: readonly string[];
  columns: number;
  /** Null: nothing is there, such as a masked score. */
  value(row: number, column: number): number | null;
  describe(row: number, column: number): CellFacts;
  table: Table;
  signed?: boolean;
  /** The value of the strongest colour. Default: the largest in the grid. */
  max?: number;
  /** The row that is looked at, if it is in the grid. */
  selected?: number;
  cellWidth?: number;
  cellHeight?: number;
  /** Cells become this narrow where there is less space. Default: they keep their size. */
  minCellWidth?: number;
}

const CELL = 26;
/** Px of a narrow cell that still has a label. */
export const NARROW_CELL = 14;
const GAP = 1;
/** Smaller cells touch each other. */
const GAP_FROM = 6;
/** Larger cells have round corners, and a dot where nothing is. */
const LARGE = 12;
const RADIUS = 2;
const DOT = 3;
const CHARACTER = 7.3;
const LABEL_GAP = 8;
/** Characters of a label. */
const LABEL_LENGTH = 12;
/** Labels need this much height. */
const LABEL_HEIGHT = 12;
/** Degrees. */
const TURN = -50;

/** Rows by columns of coloured cells. */
export function gridPicture(options: GridOptions): Picture {
  const { rowLabels, columnLabels, columns, value } = options;
  const rows = rowLabels.length;
  const width = options.cellWidth ?? CELL;
  const height = options.cellHeight ?? CELL;
  const left = longest(rowLabels) * CHARACTER + LABEL_GAP;
  const top = columnLabels.length === 0 ? 0 : longest(columnLabels) * CHARACTER * 0.8 + LABEL_GAP * 2;
  const max = options.max ?? largest(rows, columns, value);
  const shapes: Shape[] = [];
  const gap = width >= GAP_FROM ? GAP : 0;
  const isLarge = Math.min(width, height) >= LARGE;
  const corners = isLarge ? { radius: RADIUS } : {};

  columnLabels.forEach((label, column) => {
    if (width < LABEL_HEIGHT) return;
    const x = left + (column + 0.5) * width;
    shapes.push({
      ...{ kind: 'text', x, y: top - LABEL_GAP, text: shortened(label, LABEL_LENGTH) },
      ...{ fill: '--text-2', anchor: 'start', turn: TURN },
    });
  });
  const labelEvery = Math.ceil(LABEL_HEIGHT / height);
  for (let row = 0; row < rows; row++) {
    const y = top + row * height;
    if (row % labelEvery === 0) {
      const text = shortened(rowLabels[row] ?? '', LABEL_LENGTH);
      shapes.push({
        ...{ kind: 'text', x: left - LABEL_GAP, y: y + height / 2, text, anchor: 'end' },
        ...(row === options.selected ? { fill: '--text-1', strong: true } : { fill: '--text-2' }),
      });
    }
    for (let column = 0; column < columns; column++) {
      const shown = value(row, column);
      const x = left + column * width;
      if (shown !== null) {
        const fill = tintOf(shown, max);
        shapes.push({ kind: 'rect', x, y, width: width - gap, height: height - gap, fill, ...corners });
      } else if (isLarge) {
        const [middle, centre] = [x + (width - gap - DOT) / 2, y + (height - gap - DOT) / 2];
        shapes.push({ kind: 'rect', x: middle, y: centre, width: DOT, height: DOT, fill: '--line-2', radius: 1 });
      }
    }
  }
  if (options.selected !== undefined && isLarge) {
    shapes.push(
      ...frame({
        x: left - 1.5,
        y: top + options.selected * height - 1.5,
        width: columns * width + 2,
        height: height + 2,
      }),
    );
  }
  // Turned labels of the last columns reach beyond the grid.
  const overhang = columnLabels.length === 0 ? 0 : longest(columnLabels) * CHARACTER * 0.65;
  return {
    title: options.title,
    fileName: options.fileName,
    scene: { width: Math.ceil(left + columns * width + overhang), height: Math.ceil(top + rows * height) + 1, shapes },
    ...{ rows, columns, max },
    signed: options.signed ?? false,
    boxOf: ({ row, column }): Box => ({ x: left + column * width, y: top + row * height, width, height }),
    cellAt(x, y): Cell | null {
      const cell = { row: Math.floor((y - top) / height), column: Math.floor((x - left) / width) };
      return cell.row < 0 || cell.row >= rows || cell.column < 0 || cell.column >= columns ? null : cell;
    },
    describe: ({ row, column }) => options.describe(row, column),
    table: options.table,
    ...(options.minCellWidth === undefined ? {} : { fit }),
  };

  function fit(space: number): Picture {
    const share = Math.floor((space - left - overhang) / Math.max(1, columns));
    const cellWidth = Math.max(Math.min(width, options.minCellWidth ?? width), Math.min(width, share));
    // Square cells stay square.
    return gridPicture({ ...options, cellWidth, cellHeight: width === height ? cellWidth : height });
  }
}

function frame({ x, y, width, height }: Box): Shape[] {
  const [right, bottom] = [x + width, y + height];
  return [
    [x, y, right, y],
    [right, y, right, bottom],
    [right, bottom, x, bottom],
    [x, bottom, x, y],
  ].map(([x1, y1, x2, y2]) => ({ kind: 'line', x1, y1, x2, y2, stroke: '--line-3' }));
}

function longest(labels: readonly string[]): number {
  return labels.reduce((length, label) => Math.max(length, shortened(label, LABEL_LENGTH).length), 0);
}

function largest(rows: number, columns: number, value: GridOptions['value']): number {
  let max = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const shown = value(row, column);
      if (shown !== null && Number.isFinite(shown)) max = Math.max(max, Math.abs(shown));
    }
  }
  return max;
}
