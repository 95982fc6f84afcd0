import { formatDecimal } from '../../../ui/format.ts';
import type { Scene } from './scene.ts';

/** Row and column, from 0. */
export interface Cell {
  row: number;
  column: number;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What a cell shows. */
export interface CellFacts {
  name: string;
  value: string;
  /** How the value was computed, with the real operands. */
  formula: string;
}

export type TableValue = string | number;

/** The numbers of a picture. Rows are made when they are read. */
export interface Table {
  columns: readonly string[];
  rows: number;
  row(index: number): TableValue[];
}

/** What the colours of a picture mean, weakest first. */
export interface ColourScale {
  from: string;
  to: string;
  /** Design tokens. */
  tints: readonly string[];
}

/** What pictures of bars share, so that their lengths can be compared. */
export interface BarScale {
  /** The value of the longest bar. */
  max: number;
  /** Whether there is space for negative values. */
  signed: boolean;
  /** Px. */
  labelWidth: number;
}

/** The tokens that the first row and the first column stand for; absent where they are not tokens. */
export interface PictureOrigin {
  row?: number;
  column?: number;
}

/** A picture of numbers: a grid of cells that can be pointed at, and the table of what it shows. */
export interface Picture {
  title: string;
  /** Of exported files, without an extension. */
  fileName: string;
  scene: Scene;
  rows: number;
  columns: number;
  /** Of a picture that shows a part of the run. Default: its rows and columns are always the same. */
  origin?: PictureOrigin;
  /** Whether the cells have a negative colour. */
  signed: boolean;
  /** The value of the strongest colour. */
  max: number;
  /** Default: tints of weights up to `max`. */
  scale?: ColourScale;
  boxOf(cell: Cell): Box;
  cellAt(x: number, y: number): Cell | null;
  describe(cell: Cell): CellFacts;
  table: Table;
  /** The same picture in the width that there is, in px; absent if it has one size. */
  fit?(width: number): Picture;
  /** Of a picture of bars: its own scale, and the same picture at another one. */
  bars?: { scale: BarScale; scaledTo(scale: BarScale): Picture };
}

/** The place of a cell in the run, which stays when another part is shown. */
export function placeInRun({ origin }: Pick<Picture, 'origin'>, { row, column }: Cell): Cell {
  return { row: row + (origin?.row ?? 0), column: column + (origin?.column ?? 0) };
}

/** The cell at a place in the run; null if the picture does not show it. */
export function cellOfPlace(
  { origin = {}, rows, columns }: Pick<Picture, 'origin' | 'rows' | 'columns'>,
  place: Cell,
): Cell | null {
  const row = place.row - (origin.row ?? 0);
  const column = place.column - (origin.column ?? 0);
  if (row < 0 || row >= rows) return null;
  // A token stays, with the nearest of the others that are shown.
  if (origin.row !== undefined && origin.column !== undefined) {
    return { row, column: Math.max(0, Math.min(columns - 1, column)) };
  }
  return column < 0 || column >= columns ? null : { row, column };
}

/** Significant digits of numbers on screen. */
const DIGITS = 6;
/** From here on, digits are grouped. */
const GROUPED = 10_000;
const MINUS = '\u2212';
/** Of tables: the precision of float32. */
export const TABLE_DIGITS = 7;

/** 0.4051234567 is `0.405123`; -49152 is `−49,152`; -Infinity is `−∞`. */
export function formatNumber(value: number, digits = DIGITS): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'not a number' : value < 0 ? `${MINUS}∞` : '∞';
  const rounded = Number(value.toPrecision(digits));
  return withMinus(Math.abs(rounded) >= GROUPED ? formatDecimal(rounded) : String(rounded));
}

/** With a minus sign, which is as wide as a plus sign, in place of hyphens. */
export function withMinus(number: string): string {
  return number.replaceAll('-', MINUS);
}

/** A number behind a minus sign: `2.5`, `(−2.5)`. */
export function subtracted(value: number): string {
  const text = formatNumber(value);
  return text.startsWith(MINUS) ? `(${text})` : text;
}
