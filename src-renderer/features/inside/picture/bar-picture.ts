import { shortened } from '../../../../src-main/protocol/cut-text.ts';
import { formatNumber, type CellFacts, type Picture, type Table } from './picture.ts';
import type { Shape } from './scene.ts';

export interface Bar {
  label: string;
  value: number;
  facts: CellFacts;
}

export interface BarOptions {
  title: string;
  fileName: string;
  bars: readonly Bar[];
  table: Table;
  /** Px available to bars. */
  length?: number;
}

const ROW = 22;
const BAR = 10;
const LENGTH = 260;
const MIN_LENGTH = 80;
const LABEL_WIDTH = 132;
const VALUE_WIDTH = 84;
const LABEL_LENGTH = 16;
const GROUPED = 1000;

/** One bar per row; negative values go to the left of the zero line. */
export function barPicture(options: BarOptions): Picture {
  const { title, fileName, bars, table, length = LENGTH } = options;
  const max = bars.reduce((largest, { value }) => Math.max(largest, Math.abs(value)), 0);
  const signed = bars.some(({ value }) => value < 0);
  const zero = LABEL_WIDTH + (signed ? length / 2 : 0);
  const scale = max === 0 ? 0 : (signed ? length / 2 : length) / max;
  const width = LABEL_WIDTH + length + VALUE_WIDTH;
  const shapes: Shape[] = [{ kind: 'line', x1: zero, y1: 0, x2: zero, y2: bars.length * ROW, stroke: '--line-2' }];
  bars.forEach(({ label, value }, row) => {
    const y = row * ROW + ROW / 2;
    const text = shortened(label, LABEL_LENGTH);
    const size = Math.abs(value) * scale;
    shapes.push(
      { kind: 'text', x: 0, y, text, fill: '--text-1', anchor: 'start' },
      {
        ...{ kind: 'rect', x: value < 0 ? zero - size : zero, y: y - BAR / 2, width: size, height: BAR },
        fill: value < 0 ? '--surp-6' : '--accent',
      },
      { kind: 'text', x: width, y, text: barNumber(value), fill: '--text-2', anchor: 'end' },
    );
  });
  return {
    ...{ title, fileName, signed, max, table },
    scene: { width, height: bars.length * ROW, shapes },
    rows: bars.length,
    columns: 1,
    boxOf: ({ row }) => ({ x: 0, y: row * ROW, width, height: ROW }),
    cellAt(x, y) {
      const row = Math.floor(y / ROW);
      return row < 0 || row >= bars.length || x < 0 || x > width ? null : { row, column: 0 };
    },
    describe: ({ row }) => bars[row]?.facts ?? { name: '', value: '', formula: '' },
    fit: (space) =>
      barPicture({ ...options, length: Math.max(MIN_LENGTH, Math.min(LENGTH, space - LABEL_WIDTH - VALUE_WIDTH)) }),
  };
}

/** Grouped, unlike in tables: 9216 is `9,216`. */
function barNumber(value: number): string {
  return Math.abs(value) < GROUPED
    ? formatNumber(value)
    : value.toLocaleString('en-US', { maximumSignificantDigits: 6 });
}
