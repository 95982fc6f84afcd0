/** The cells a sequence occupies, ordered by position. `cells[i]` holds position `positions[i]`. */
export interface SequenceContext {
  readonly cells: Int32Array;
  readonly positions: Int32Array;
}
