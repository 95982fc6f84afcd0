/** Keys or values of a chunk that are not together in memory, to where they are one after the other. */
import { copyVectors } from '../base/copy';
import { placeHalves } from './passes';

/** Entries of `count` cells, `bytes` each, to `tile`, one after the other. */
export function copyEntries(storage: usize, cells: usize, count: i32, bytes: usize, tile: usize): void {
  for (let run = 0; count > 0; count -= run, cells += <usize>run * 4) {
    run = runLength(cells, count);
    const from = storage + <usize>load<i32>(cells) * bytes;
    const size = <usize>run * bytes;
    if (size & 15) memory.copy(tile, from, size);
    else copyVectors(tile, from, size);
    tile += size;
  }
}

/** The first of `count` cells, and those that lie behind it in order: memory is read fast where they are taken together. */
function runLength(cells: usize, count: i32): i32 {
  const first = load<i32>(cells);
  let length = 1;
  while (length < count && load<i32>(cells + <usize>length * 4) == first + length) length++;
  return length;
}

/** The same from binary16 to float32. */
export function copyHalves(storage: usize, cells: usize, count: i32, bytes: usize, tile: usize): void {
  for (let run = 0; count > 0; count -= run, cells += <usize>run * 4) {
    run = runLength(cells, count);
    const size = <usize>run * bytes;
    placeHalves(storage + <usize>load<i32>(cells) * bytes, size, tile);
    tile += 2 * size;
  }
}
