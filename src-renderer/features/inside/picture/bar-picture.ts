import { shortened } from '../../../../src-main/protocol/cut-text.ts';
import { formatDecimal } from '../../../ui/format.ts';
import { withMinus, type BarScale, type CellFacts, type Picture, type Table } from './picture.ts';
import type { Shape } from './scene.ts';

export interface Bar {
  label: string;
  value: number;
  /** The value on the page. Default: with as many decimals as the other bars. */
  shown?: string;
  facts: CellFacts;
}

export interface BarOptions {
  title: string;
  fileName: string;
  bars: readonly Bar[];
  table: Table;
  /** Index of a bar whose row is marked. */
  chosen?: number;
  /** Px available to bars. */
  length?: number;
  /** Default: its own. */
  scale?: BarScale;
}

const ROW = 22;
const BAR = 10;
const LENGTH = 260;
const MIN_LENGTH = 80;
const MIN_LABEL_WIDTH = 132;
const VALUE_WIDTH = 84;
/** Characters: `Layer 30, feed-forward`. */
const LABEL_LENGTH = 22;
const CHARACTER = 7.3;
const LABEL_GAP = 8;
const MAX_DECIMALS = 8;

/** One bar per row; negative values go to the left of the zero line. */
export function barPicture(options: BarOptions): Picture {
  const { title, fileName, bars, table, chosen, length = LENGTH } = options;
  const own = ownScale(bars);
  const { max, signed, labelWidth } = options.scale ?? own;
  const zero = labelWidth + (signed ? length / 2 : 0);
  const scale = max === 0 ? 0 : (signed ? length / 2 : length) / max;
  const width = labelWidth + length + VALUE_WIDTH;
  const decimals = decimalsOf(bars, own.max);
  const shapes: Shape[] = [];
  if (chosen !== undefined && chosen < bars.length) {
    shapes.push({ kind: 'rect', x: 0, y: chosen * ROW, width, height: ROW, fill: '--accent-soft' });
  }
  shapes.push({ kind: 'line', x1: zero, y1: 0, x2: zero, y2: bars.length * ROW, stroke: '--line-2' });
  bars.forEach(({ label, value, shown = barNumber(value, decimals) }, row) => {
    const y = row * ROW + ROW / 2;
    const text = shortened(label, LABEL_LENGTH);
    const size = Math.abs(value) * scale;
    shapes.push(
      { kind: 'text', x: 0, y, text, fill: '--text-1', anchor: 'start' },
      {
        ...{ kind: 'rect', x: value < 0 ? zero - size : zero, y: y - BAR / 2, width: size, height: BAR },
        fill: value < 0 ? '--negative' : '--accent',
      },
      { kind: 'text', x: width, y, text: shown, fill: '--text-2', anchor: 'end' },
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
      barPicture({ ...options, length: Math.max(MIN_LENGTH, Math.min(LENGTH, space - labelWidth - VALUE_WIDTH)) }),
    bars: { scale: own, scaledTo: (shared) => barPicture({ ...options, scale: shared }) },
  };
}

function ownScale(bars: readonly Bar[]): BarScale {
  const longest = bars.reduce((most, { label }) => Math.max(most, Math.min(label.length, LABEL_LENGTH)), 0);
  return {
    max: bars.reduce((largest, { value }) => Math.max(largest, Math.abs(value)), 0),
    signed: bars.some(({ value }) => value < 0),
    labelWidth: Math.max(MIN_LABEL_WIDTH, Math.ceil(longest * CHARACTER) + LABEL_GAP),
  };
}

/** Decimals of all bars, so that their points are in line: enough for the longest bar to have four digits. */
function decimalsOf(bars: readonly Bar[], max: number): number {
  if (max >= 1000 || bars.every(({ value }) => Number.isInteger(value))) return 0;
  return max >= 1 ? 3 : Math.min(MAX_DECIMALS, Math.max(4, 3 - Math.floor(Math.log10(max))));
}

/** Grouped, unlike in tables: 9216 is `9,216`. */
function barNumber(value: number, decimals: number): string {
  const rounded = Number(value.toFixed(decimals));
  // Without the sign of -0.
  return withMinus(formatDecimal(rounded === 0 ? 0 : rounded, decimals, decimals));
}
