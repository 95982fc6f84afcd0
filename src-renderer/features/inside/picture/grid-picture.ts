import { shortened } from '../../../../src-main/protocol/cut-text.ts';
import type { Box, Cell, CellFacts, Picture, PictureOrigin, Table } from './picture.ts';
import { cellTints } from './cells.ts';
import { lazyScene, type Shape } from './scene.ts';
import { NO_TINT } from './tint.ts';

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
  origin?: PictureOrigin;
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
  const left = Math.ceil(longest(rowLabels) * CHARACTER + LABEL_GAP);
  const top = columnLabels.length === 0 ? 0 : Math.ceil(longest(columnLabels) * CHARACTER * 0.8 + LABEL_GAP * 2);
  // Turned labels of the last columns reach beyond the grid.
  const overhang = columnLabels.length === 0 ? 0 : longest(columnLabels) * CHARACTER * 0.65;
  const max = options.max ?? largest(rows, columns, value);
  const picture: Picture = {
    title: options.title,
    fileName: options.fileName,
    scene: lazyScene(Math.ceil(left + columns * width + overhang), top + rows * height + 1, () =>
      shapesOf({ ...options, left, top, width, height, max }),
    ),
    ...{ rows, columns, max },
    signed: options.signed ?? false,
    boxOf: ({ row, column }): Box => ({ x: left + column * width, y: top + row * height, width, height }),
    cellAt(x, y): Cell | null {
      const cell = { row: Math.floor((y - top) / height), column: Math.floor((x - left) / width) };
      return cell.row < 0 || cell.row >= rows || cell.column < 0 || cell.column >= columns ? null : cell;
    },
    describe: ({ row, column }) => options.describe(row, column),
    table: options.table,
    ...(options.origin === undefined ? {} : { origin: options.origin }),
    ...(options.minCellWidth === undefined ? {} : { fit }),
  };
  return picture;

  function fit(space: number): Picture {
    const share = Math.floor((space - left - overhang) / Math.max(1, columns));
    const cellWidth = Math.max(Math.min(width, options.minCellWidth ?? width), Math.min(width, share));
    if (cellWidth === width) return picture;
    // Square cells stay square.
    return gridPicture({ ...options, max, cellWidth, cellHeight: width === height ? cellWidth : height });
  }
}

interface PlacedGrid extends Omit<GridOptions, 'max'> {
  left: number;
  top: number;
  /** Of a cell. */
  width: number;
  height: number;
  max: number;
}

function shapesOf(grid: PlacedGrid): Shape[] {
  const { rowLabels, columnLabels, columns, value, selected, left, top, width, height, max } = grid;
  const rows = rowLabels.length;
  const isLarge = Math.min(width, height) >= LARGE;
  const gap = width >= GAP_FROM ? GAP : 0;
  const tints = cellTints([rows, columns], value, max);
  const shapes: Shape[] = [
    {
      ...{ kind: 'cells', x: left, y: top, width, height, gap, columns, tints },
      ...(isLarge ? { radius: RADIUS } : {}),
    },
  ];
  columnLabels.forEach((label, column) => {
    if (width < LABEL_HEIGHT) return;
    const x = left + (column + 0.5) * width;
    shapes.push({
      ...{ kind: 'text', x, y: top - LABEL_GAP, text: shortened(label, LABEL_LENGTH) },
      ...{ fill: '--text-2', anchor: 'start', turn: TURN },
    });
  });
  const labelEvery = Math.ceil(LABEL_HEIGHT / height);
  rowLabels.forEach((label, row) => {
    if (row % labelEvery !== 0) return;
    shapes.push({
      ...{
        kind: 'text',
        x: left - LABEL_GAP,
        y: top + (row + 0.5) * height,
        text: shortened(label, LABEL_LENGTH),
        anchor: 'end',
      },
      ...(row === selected ? { fill: '--text-1', strong: true } : { fill: '--text-2' }),
    });
  });
  if (!isLarge) return shapes;
  tints.forEach((tint, at) => {
    if (tint !== NO_TINT) return;
    const x = left + (at % columns) * width + (width - gap - DOT) / 2;
    const y = top + Math.floor(at / columns) * height + (height - gap - DOT) / 2;
    shapes.push({ kind: 'rect', x, y, width: DOT, height: DOT, fill: '--line-2', radius: 1 });
  });
  if (selected !== undefined) {
    const y = top + selected * height - 1.5;
    shapes.push(...frame({ x: left - 1.5, y, width: columns * width + 2, height: height + 2 }));
  }
  return shapes;
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
