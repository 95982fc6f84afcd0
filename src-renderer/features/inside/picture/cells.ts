/** Grids of cells as a single shape: pictures of vectors have tens of thousands. */
import type { Colours, Shape } from './scene.ts';
import { NO_TINT, tintIndex, TINTS } from './tint.ts';

export interface Cells {
  kind: 'cells';
  x: number;
  y: number;
  /** Px from one cell to the next. */
  width: number;
  height: number;
  /** Px of these that stay empty. */
  gap: number;
  /** Of the corners; absent if they are not round. */
  radius?: number;
  columns: number;
  /** `[rows, columns]`: indices into `TINTS`, or `NO_TINT`. */
  tints: Uint8Array;
}

/** @param value null: nothing is there */
export function cellTints(
  [rows, columns]: readonly [rows: number, columns: number],
  value: (row: number, column: number) => number | null,
  max: number,
): Uint8Array {
  const tints = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const shown = value(row, column);
      tints[row * columns + column] = shown === null ? NO_TINT : tintIndex(shown, max);
    }
  }
  return tints;
}

/** One pixel for each of at least one cell. */
export function cellPixels({ tints, columns }: Pick<Cells, 'tints' | 'columns'>, colour: Colours): ImageData {
  const image = new ImageData(columns, tints.length / columns);
  const pixels = new Uint32Array(image.data.buffer);
  const palette = paletteOf(colour);
  for (let at = 0; at < tints.length; at++) if (tints[at] !== NO_TINT) pixels[at] = palette[tints[at]];
  return image;
}

/** @returns false if cells have to be drawn one by one */
export function drawCells(context: CanvasRenderingContext2D, cells: Cells, colour: Colours): boolean {
  const { x, y, width, height, gap, radius, columns, tints } = cells;
  if (radius !== undefined || tints.length === 0) return false;
  const rows = tints.length / columns;
  const small = contextOf(columns, rows);
  small.putImageData(cellPixels(cells, colour), 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small.canvas, x, y, columns * width, rows * height);
  if (gap === 0) return true;
  for (let column = 1; column <= columns; column++) context.clearRect(x + column * width - gap, y, gap, rows * height);
  for (let row = 1; row <= rows; row++) context.clearRect(x, y + row * height - gap, columns * width, gap);
  return true;
}

export function cellRects({ x, y, width, height, gap, radius, columns, tints }: Cells): Shape[] {
  const rects: Shape[] = [];
  const corners = radius === undefined ? {} : { radius };
  tints.forEach((tint, at) => {
    if (tint === NO_TINT) return;
    const place = { x: x + (at % columns) * width, y: y + Math.floor(at / columns) * height };
    const size = { width: width - gap, height: height - gap };
    rects.push({ kind: 'rect', ...place, ...size, fill: TINTS[tint], ...corners });
  });
  return rects;
}

const palettes = new WeakMap<Colours, Uint32Array>();

/** The tints as pixels. */
function paletteOf(colour: Colours): Uint32Array {
  const known = palettes.get(colour);
  if (known) return known;
  const context = contextOf(TINTS.length, 1);
  TINTS.forEach((tint, at) => {
    context.fillStyle = colour(tint);
    context.fillRect(at, 0, 1, 1);
  });
  const palette = new Uint32Array(context.getImageData(0, 0, TINTS.length, 1).data.buffer);
  palettes.set(colour, palette);
  return palette;
}

/** Of a canvas that is not on the page. */
function contextOf(width: number, height: number): CanvasRenderingContext2D {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  // Without the GPU: it is drawn once.
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('The browser cannot draw the picture.');
  return context;
}
