import type { SequenceSlots } from '../kv-cache/kv-cache.ts';
import type { Batch } from './executor.ts';

/** Joins the new tokens of several sequences into one batch, in the given order. */
export function batchOf(parts: readonly SequenceSlots[]): Batch {
  const rows = parts.reduce((sum, part) => sum + part.tokens.length, 0);
  const tokens = new Int32Array(rows);
  const positions = new Int32Array(rows);
  const cells = new Int32Array(rows);
  const sequences = new Int32Array(rows);
  let row = 0;
  parts.forEach((part, index) => {
    tokens.set(part.tokens, row);
    positions.set(part.positions, row);
    cells.set(part.cells, row);
    sequences.fill(index, row, row + part.tokens.length);
    row += part.tokens.length;
  });
  return { tokens, positions, cells, sequences, contexts: parts.map((part) => part.context) };
}
