/**
 * Panels of weights that lie far apart and take turns, so that reading goes on in several places at once. How many are best
 * is the processor's matter, and measured: where it fetches ahead within a page of memory only, eight are up to twice as
 * fast from memory as one; where it also follows what each instruction reads, two are three times as fast as eight.
 */

/** Rows from which on multiplying takes longer than reading the weights from memory. */
export const MANY_ROWS: i32 = 16;

/** How many take turns where there are `panels`; 0 where there are too few. @param most 8, 4 or 2, or 0 for none */
// @ts-ignore: decorator
@inline
export function strandsOf(panels: i32, most: i32): i32 {
  return panels >= most ? most : panels >= 4 ? 4 : panels & 2;
}

/** Panels from one strand to the next. */
// @ts-ignore: decorator
@inline
export function apartOf(panels: i32, strands: i32): i32 {
  return strands ? panels / strands : 0;
}
