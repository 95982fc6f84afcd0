import type { CellFacts, Picture, Table } from './picture.ts';
import type { Shape } from './scene.ts';

export interface DialOptions {
  title: string;
  fileName: string;
  /** Radians, from the right, counterclockwise. */
  angles: ArrayLike<number>;
  describe(index: number): CellFacts;
  table: Table;
  perLine?: number;
}

const SIZE = 40;
const GAP = 8;
const LABEL = 16;
/** Dials per line, at most. */
const PER_LINE = 12;
const SEGMENTS = 32;

/** One dial for each angle, with a hand. */
export function dialPicture(options: DialOptions): Picture {
  const { title, fileName, angles, describe, table, perLine = PER_LINE } = options;
  const shapes: Shape[] = [];
  const columns = Math.min(perLine, angles.length);
  const rows = Math.ceil(angles.length / perLine);
  const boxOf = (row: number, column: number) => ({
    x: column * (SIZE + GAP),
    y: row * (SIZE + LABEL + GAP),
    width: SIZE,
    height: SIZE + LABEL,
  });
  const radius = SIZE / 2 - 1;
  const pointAt = (box: { x: number; y: number }, angle: number) => ({
    x: box.x + SIZE / 2 + radius * Math.cos(angle),
    y: box.y + SIZE / 2 - radius * Math.sin(angle),
  });
  for (let index = 0; index < angles.length; index++) {
    const box = boxOf(Math.floor(index / perLine), index % perLine);
    for (let at = 0; at < SEGMENTS; at++) {
      const from = pointAt(box, (at / SEGMENTS) * 2 * Math.PI);
      const to = pointAt(box, ((at + 1) / SEGMENTS) * 2 * Math.PI);
      shapes.push({ kind: 'line', x1: from.x, y1: from.y, x2: to.x, y2: to.y, stroke: '--line-2' });
    }
    const [x, y] = [box.x + SIZE / 2, box.y + SIZE / 2];
    const hand = pointAt(box, angles[index]);
    shapes.push(
      { kind: 'line', x1: x, y1: y, x2: hand.x, y2: hand.y, stroke: '--accent' },
      { kind: 'text', x, y: box.y + SIZE + LABEL / 2, text: String(index), fill: '--text-3', anchor: 'middle' },
    );
  }
  return {
    ...{ title, fileName, table, rows, columns, signed: false, max: 0 },
    scene: { width: columns * (SIZE + GAP), height: rows * (SIZE + LABEL + GAP), shapes },
    boxOf: ({ row, column }) => boxOf(row, column),
    cellAt(x, y) {
      const cell = { row: Math.floor(y / (SIZE + LABEL + GAP)), column: Math.floor(x / (SIZE + GAP)) };
      const isDial = cell.column >= 0 && cell.column < columns && cell.row >= 0;
      return isDial && cell.row * perLine + cell.column < angles.length ? cell : null;
    },
    describe({ row, column }) {
      const index = row * perLine + column;
      return index < angles.length ? describe(index) : { name: '', value: '', formula: '' };
    },
    fit: (space) =>
      dialPicture({ ...options, perLine: Math.max(1, Math.min(PER_LINE, Math.floor(space / (SIZE + GAP)))) }),
  };
}
