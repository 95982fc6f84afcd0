import type { Box, CellFacts, Picture, PictureOrigin, Table } from './picture.ts';
import type { Shape } from './scene.ts';

/** A piece of text with a note below. */
export interface Tile {
  text: string;
  note: string;
  /** A design token, behind text. Default: the surface of tiles. */
  fill?: string;
  facts: CellFacts;
}

export interface TileOptions {
  title: string;
  fileName: string;
  tiles: readonly Tile[];
  origin?: PictureOrigin;
  table: Table;
  /** Px after which lines break. */
  width?: number;
}

const WIDTH = 720;
const CHARACTER = 7.3;
const PADDING = 8;
const HEIGHT = 38;
const GAP = 4;

/** Tiles in lines, in reading order. To the keyboard they are one row. */
export function tilePicture(options: TileOptions): Picture {
  const { title, fileName, tiles, table, origin, width = WIDTH } = options;
  const shapes: Shape[] = [];
  const boxes: Box[] = [];
  let x = 0;
  let y = 0;
  let right = 0;
  for (const { text, note, fill = '--surface-3' } of tiles) {
    const size = Math.max(text.length, note.length) * CHARACTER + 2 * PADDING;
    if (x > 0 && x + size > width) {
      x = 0;
      y += HEIGHT + GAP;
    }
    const middle = x + size / 2;
    boxes.push({ x, y, width: size, height: HEIGHT });
    shapes.push(
      { kind: 'rect', x, y, width: size, height: HEIGHT, fill },
      { kind: 'text', x: middle, y: y + 12, text, fill: '--text-1', anchor: 'middle' },
      { kind: 'text', x: middle, y: y + 28, text: note, fill: '--text-2', anchor: 'middle' },
    );
    right = Math.max(right, x + size);
    x += size + GAP;
  }
  return {
    ...{ title, fileName, table, signed: false, max: 0 },
    ...(origin === undefined ? {} : { origin }),
    scene: { width: Math.ceil(right), height: y + HEIGHT, shapes },
    rows: 1,
    columns: tiles.length,
    boxOf: ({ column }) => boxes[column] ?? { x: 0, y: 0, width: 0, height: 0 },
    cellAt(atX, atY) {
      const column = boxes.findIndex(
        (box) => atX >= box.x && atX < box.x + box.width && atY >= box.y && atY < box.y + box.height,
      );
      return column < 0 ? null : { row: 0, column };
    },
    describe: ({ column }) => tiles[column]?.facts ?? { name: '', value: '', formula: '' },
    fit: (space) => tilePicture({ ...options, width: space }),
  };
}
