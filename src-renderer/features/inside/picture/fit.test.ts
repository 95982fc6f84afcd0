import { describe, expect, it } from 'vitest';
import { barPicture } from './bar-picture.ts';
import { dialPicture } from './dial-picture.ts';
import { gridPicture, NARROW_CELL } from './grid-picture.ts';
import type { Cell, Picture } from './picture.ts';
import { tilePicture } from './tile-picture.ts';
import { wordPicture } from './word-picture.ts';

const TABLE = { columns: [], rows: 0, row: () => [] };
const facts = (name: string) => ({ name, value: '', formula: '' });
const NAMES = Array.from({ length: 30 }, (_, index) => `token ${index}`);
const common = { title: 'Title', fileName: 'file', table: TABLE };

const PICTURES: Record<string, Picture> = {
  bars: barPicture({ ...common, bars: NAMES.map((label, at) => ({ label, value: at - 10, facts: facts(label) })) }),
  tiles: tilePicture({ ...common, tiles: NAMES.map((text) => ({ text, note: '1', facts: facts(text) })) }),
  words: wordPicture({
    ...common,
    rowLabels: ['Layer 1', 'Layer 2'],
    columnLabels: ['1', '2', '3', '4', '5'],
    word: (row, column) => ({ text: 'unbelievably', fill: '--prob-1', facts: facts(`${row} ${column}`) }),
  }),
  grid: gridPicture({
    ...common,
    rowLabels: NAMES.slice(0, 20),
    columnLabels: NAMES.slice(0, 20),
    columns: 20,
    cellWidth: 34,
    cellHeight: 34,
    minCellWidth: NARROW_CELL,
    value: (row, column) => row + column,
    describe: (row, column) => facts(`${row} ${column}`),
  }),
  dials: dialPicture({ ...common, angles: NAMES.map((_, at) => at / 10), describe: (at) => facts(String(at)) }),
};

/** In reading order. */
function cellsOf({ rows, columns }: Picture): Cell[] {
  return Array.from({ length: rows * columns }, (_, at) => ({ row: Math.floor(at / columns), column: at % columns }));
}

describe.each(Object.entries(PICTURES))('%s', (_, picture) => {
  const names = cellsOf(picture).map((cell) => picture.describe(cell).name);

  it.each([320, 448, 560, 2000])('fit in %i px, with the same cells', (space) => {
    const fitted = picture.fit?.(space) ?? picture;
    expect(fitted.scene.width).toBeLessThanOrEqual(Math.max(space, 444));
    const cells = cellsOf(fitted);
    expect(cells.map((cell) => fitted.describe(cell).name).filter(Boolean)).toEqual(names.filter(Boolean));
    for (const cell of cells) {
      if (fitted.describe(cell).name === '') continue;
      const { x, y, width, height } = fitted.boxOf(cell);
      expect(fitted.cellAt(x + width / 2, y + height / 2)).toEqual(cell);
      expect(x + width).toBeLessThanOrEqual(fitted.scene.width);
      expect(y + height).toBeLessThanOrEqual(fitted.scene.height);
    }
  });

  it('are as before where there is space', () => {
    const { scene } = picture.fit?.(picture.scene.width) ?? picture;
    expect(scene).toEqual(picture.scene);
  });
});

it('looks at the numbers of a grid once, when it is drawn', () => {
  let read = 0;
  const picture = gridPicture({
    ...{ ...common, rowLabels: NAMES, columnLabels: [], columns: 50, cellWidth: 10, minCellWidth: 4, max: 1 },
    value: () => ++read / 1e6,
    describe: () => facts(''),
  });
  expect(picture.fit?.(5000)).toBe(picture);
  const fitted = picture.fit!(300);
  expect(fitted.scene.width).toBeLessThan(picture.scene.width);
  expect(read).toBe(0);
  expect(fitted.scene.shapes).toBe(fitted.scene.shapes);
  expect(read).toBe(30 * 50);
});
