import { shortened } from '../../../../src-main/protocol/cut-text.ts';
import type { CellFacts, Picture, ColourScale, Table } from './picture.ts';
import type { Shape } from './scene.ts';

export interface Word {
  text: string;
  /** A design token behind the text. */
  fill: string;
  facts: CellFacts;
}

export interface WordOptions {
  title: string;
  fileName: string;
  rowLabels: readonly string[];
  columnLabels: readonly string[];
  word(row: number, column: number): Word;
  scale?: ColourScale;
  table: Table;
  /** Px of a column. */
  columnWidth?: number;
}

const ROW = 24;
const COLUMN = 96;
const MIN_COLUMN = 56;
const LEFT = 76;
const CHARACTER = 7.3;
const PADDING = 6;

/** A grid of tinted words. */
export function wordPicture(options: WordOptions): Picture {
  const { title, fileName, rowLabels, columnLabels, word, table, columnWidth = COLUMN } = options;
  const length = Math.floor((columnWidth - 2 * PADDING) / CHARACTER);
  const shapes: Shape[] = columnLabels.map((text, column) => ({
    ...{ kind: 'text', x: LEFT + column * columnWidth + PADDING, y: ROW / 2, text },
    ...{ fill: '--text-3', anchor: 'start' },
  }));
  rowLabels.forEach((label, row) => {
    const y = (row + 1) * ROW;
    shapes.push({ kind: 'text', x: 0, y: y + ROW / 2, text: label, fill: '--text-2', anchor: 'start' });
    columnLabels.forEach((_, column) => {
      const { text, fill } = word(row, column);
      const shown = shortened(text, length);
      const x = LEFT + column * columnWidth;
      shapes.push(
        { kind: 'rect', x, y, width: columnWidth - 1, height: ROW - 1, fill },
        { kind: 'text', x: x + PADDING, y: y + ROW / 2, text: shown, fill: '--text-1', anchor: 'start' },
      );
    });
  });
  const [rows, columns] = [rowLabels.length, columnLabels.length];
  return {
    ...{ title, fileName, table, rows, columns, signed: false, max: 1 },
    ...(options.scale === undefined ? {} : { scale: options.scale }),
    scene: { width: LEFT + columns * columnWidth, height: (rows + 1) * ROW, shapes },
    boxOf: ({ row, column }) => ({
      x: LEFT + column * columnWidth,
      y: (row + 1) * ROW,
      width: columnWidth - 1,
      height: ROW - 1,
    }),
    cellAt(x, y) {
      const cell = { row: Math.floor(y / ROW) - 1, column: Math.floor((x - LEFT) / columnWidth) };
      return cell.row < 0 || cell.row >= rows || cell.column < 0 || cell.column >= columns ? null : cell;
    },
    describe: ({ row, column }) => word(row, column).facts,
    fit(space) {
      const share = Math.floor((space - LEFT) / Math.max(1, columns));
      return wordPicture({ ...options, columnWidth: Math.max(MIN_COLUMN, Math.min(COLUMN, share)) });
    },
  };
}
