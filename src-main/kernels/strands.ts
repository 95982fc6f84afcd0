/**
 * Panels of weights that lie far apart and take turns, so that reading goes on in several places at once: a processor
 * fetches ahead within a page of memory only. From memory that is up to twice as fast as one panel after the other.
 */

/** Rows from which on multiplying takes longer than reading the weights from memory. */
export const MANY_ROWS: i32 = 16;

/** How many take turns where there are `panels`; 0 where there are too few. @param most 8 or 4 */
// @ts-ignore: decorator
@inline
export function strandsOf(panels: i32, most: i32): i32 {
  return panels >= most ? most : panels >= 4 ? 4 : 0;
}

/** Panels from one strand to the next. */
// @ts-ignore: decorator
@inline
export function apartOf(panels: i32, strands: i32): i32 {
  return strands ? panels / strands : 0;
}
