import { describe, expect, it } from 'vitest';
import { cellOfPlace, placeInRun, type PictureOrigin } from './picture.ts';

const part = (origin?: PictureOrigin) => ({ rows: 48, columns: 48, ...(origin && { origin }) });

describe('the cell that is pointed at', () => {
  it('stays with its token when another part of the run is shown', () => {
    const [first, next] = [part({ row: 0, column: 0 }), part({ row: 12, column: 12 })];
    const place = placeInRun(first, { row: 47, column: 30 });
    expect(cellOfPlace(first, place)).toEqual({ row: 47, column: 30 });
    expect(cellOfPlace(next, place)).toEqual({ row: 35, column: 18 });
    expect(cellOfPlace(part({ row: 48, column: 48 }), place)).toBeNull();
    // It is about the nearest key that is shown.
    const early = placeInRun(first, { row: 47, column: 3 });
    expect(cellOfPlace(next, early)).toEqual({ row: 35, column: 0 });
    // Nothing was forgotten.
    expect(cellOfPlace(first, early)).toEqual({ row: 47, column: 3 });
  });

  it('is not shown where its token is not, and keeps its layer or dimension', () => {
    const place = placeInRun(part({ column: 0 }), { row: 2, column: 40 });
    expect(cellOfPlace(part({ column: 24 }), place)).toEqual({ row: 2, column: 16 });
    expect(cellOfPlace(part({ column: 48 }), place)).toBeNull();
    const dimension = placeInRun(part({ row: 24 }), { row: 3, column: 7 });
    expect(cellOfPlace(part({ row: 12 }), dimension)).toEqual({ row: 15, column: 7 });
  });

  it('is the same cell of pictures that show no part', () => {
    expect(placeInRun(part(), { row: 1, column: 2 })).toEqual({ row: 1, column: 2 });
    expect(cellOfPlace(part(), { row: 1, column: 2 })).toEqual({ row: 1, column: 2 });
    expect(cellOfPlace(part(), { row: 48, column: 2 })).toBeNull();
  });
});
