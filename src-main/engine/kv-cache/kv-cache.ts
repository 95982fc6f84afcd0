import { EngineError } from '../api/errors.ts';

/** The cells a sequence occupies, ordered by position. `cells[i]` holds position `positions[i]`. */
export interface SequenceContext {
  readonly cells: Int32Array;
  readonly positions: Int32Array;
}

/** Entries of the ascending `positions` that are at most `position`. */
export function attendedLength(positions: Int32Array, position: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle] <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One sequence's part of a batch: the cells of its new tokens, and the context that they attend to. */
export interface SequenceSlots {
  readonly tokens: Int32Array;
  /** Cell of each new token. */
  readonly cells: Int32Array;
  readonly positions: Int32Array;
  /** The whole sequence, including the new tokens. Valid until the sequence is truncated. */
  readonly context: SequenceContext;
}

interface Sequence {
  readonly ids: number[];
  /** `cells[i]` holds K and V of `ids[i]` at position i. Longer than `ids`, so that most appends do not copy. */
  cells: Int32Array;
}

/** A token that is not known yet. No prefix is the same. */
export const UNKNOWN_TOKEN = -1;

/** Initial capacity of a sequence, in tokens. */
const FIRST_CAPACITY = 64;

/**
 * Tracks which cell of the executor's K and V storage holds which token of which sequence. K and V themselves are in the
 * executor. A cell is written once, by the sequence that appended it; forks share cells, and a cell is free when the last
 * sequence that holds it releases it.
 *
 * Sequences are named by any integer; one that was never appended to is empty.
 */
export class KvCache {
  private readonly sequences = new Map<number, Sequence>();
  /** Number of sequences that hold each cell. */
  private readonly references: Int32Array;
  private freeCells: number;
  /** 0, 1, 2, ..., up to the longest sequence so far. */
  private positions = new Int32Array(0);

  /** @param capacity in cells, which is tokens of all sequences together, shared ones counted once */
  constructor(readonly capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new EngineError('BAD_REQUEST', `A KV cache needs at least one cell, not ${capacity}.`, { capacity });
    }
    this.references = new Int32Array(capacity);
    this.freeCells = capacity;
  }

  /** Cells that no sequence holds. */
  get free(): number {
    return this.freeCells;
  }

  /** Whether `count` cells from this one on are free. */
  isFree(first: number, count: number): boolean {
    const end = first + count;
    return end <= this.capacity && this.references.subarray(first, end).every((holders) => holders === 0);
  }

  /** Cells that several sequences hold. */
  get shared(): number {
    return this.references.reduce((count, holders) => count + Number(holders > 1), 0);
  }

  /** Tokens that the sequence holds. */
  length(seq: number): number {
    return this.sequences.get(seq)?.ids.length ?? 0;
  }

  /** Cells of the sequence's first `length` tokens, by position. */
  cells(seq: number, length: number): Int32Array {
    return this.sequences.get(seq)?.cells.slice(0, Math.min(length, this.length(seq))) ?? new Int32Array(0);
  }

  /**
   * Whether two sequences hold the same cells, as after `fork`. A cell is written once, at the end of its sequence, so
   * sequences that share their last cell share all.
   */
  sharesAll(a: number, b: number): boolean {
    const length = this.length(a);
    if (length !== this.length(b)) return false;
    return length === 0 || this.sequences.get(a)?.cells[length - 1] === this.sequences.get(b)?.cells[length - 1];
  }

  /** Ids of the tokens that the sequence holds, by position. */
  tokens(seq: number): readonly number[] {
    return this.sequences.get(seq)?.ids ?? [];
  }

  /**
   * Truncates the sequence to the longest common prefix with the first `count` of `ids` and returns the prefix's length.
   * Logits are not cached: callers that need those of the last token leave it out.
   */
  reuse(seq: number, ids: ArrayLike<number>, count = ids.length): number {
    const common = this.common(seq, ids, count);
    this.truncate(seq, common);
    return common;
  }

  /** Length of the longest common prefix of the sequence and the first `count` of `ids`. */
  common(seq: number, ids: ArrayLike<number>, count = ids.length): number {
    const held = this.tokens(seq);
    const limit = Math.min(held.length, count);
    let common = 0;
    while (common < limit && held[common] === ids[common]) common++;
    return common;
  }

  /**
   * Appends `ids` to the sequence, all or none.
   * @param expected tokens in total, including some that follow soon: contiguous cells are sought for all of them
   * @param first cell of the first of `ids`, if it is free; by default the one behind the sequence's last
   * @throws EngineError CONTEXT_FULL when fewer cells are free than there are ids.
   */
  append(seq: number, ids: ArrayLike<number>, expected = ids.length, first?: number): SequenceSlots {
    if (ids.length > this.free) {
      throw new EngineError(
        'CONTEXT_FULL',
        `The KV cache has ${this.free} of ${this.capacity} cells free; ${ids.length} more tokens do not fit. ` +
          'Shorten the prompt, or release a sequence.',
        { needed: ids.length, free: this.free, capacity: this.capacity },
      );
    }
    const sequence = this.sequences.get(seq) ?? { ids: [], cells: new Int32Array(FIRST_CAPACITY) };
    if (ids.length > 0) this.sequences.set(seq, sequence);
    const start = sequence.ids.length;
    const end = start + ids.length;
    if (end > sequence.cells.length) sequence.cells = grown(sequence.cells, end);
    if (end > this.positions.length) this.positions = grown(this.positions, end).map((_, i) => i);
    const { cells } = sequence;
    let next = first ?? (start > 0 ? cells[start - 1] + 1 : -1);
    for (let i = 0; i < ids.length; i++) {
      if (this.references[next] !== 0) next = this.firstCellFor(expected - i);
      this.references[next] = 1;
      sequence.ids.push(ids[i]);
      cells[start + i] = next++;
    }
    this.freeCells -= ids.length;
    return {
      tokens: Int32Array.from(ids),
      cells: cells.subarray(start, end),
      positions: this.positions.subarray(start, end),
      context: { cells: cells.subarray(0, end), positions: this.positions.subarray(0, end) },
    };
  }

  /** Names the token at a position, which was appended as `UNKNOWN_TOKEN`. */
  name(seq: number, position: number, id: number): void {
    const ids = this.sequences.get(seq)?.ids;
    if (ids?.[position] !== UNKNOWN_TOKEN) {
      throw new EngineError('INTERNAL', `The token at position ${position} of sequence ${seq} has a name.`);
    }
    ids[position] = id;
  }

  /** Drops the tokens from position `length` on. A shorter sequence is unchanged. */
  truncate(seq: number, length: number): void {
    const sequence = this.sequences.get(seq);
    if (!sequence) return;
    const { ids, cells } = sequence;
    while (ids.length > Math.max(0, length)) {
      ids.pop();
      if (--this.references[cells[ids.length]] === 0) this.freeCells++;
    }
    if (ids.length === 0) this.sequences.delete(seq);
  }

  /**
   * Makes the first `length` tokens of `from` the content of `to`, in the same cells. Releases what `to` held.
   * @throws EngineError BAD_REQUEST when `from` holds fewer tokens, or is `to` itself.
   */
  fork(from: number, to: number, length: number): void {
    const held = this.length(from);
    if (from === to || !Number.isSafeInteger(length) || length < 0 || length > held) {
      throw new EngineError(
        'BAD_REQUEST',
        `Cannot fork ${length} tokens of sequence ${from}, which holds ${held}, into sequence ${to}.`,
        { from, to, length, held },
      );
    }
    this.release(to);
    const source = this.sequences.get(from);
    if (!source || length === 0) return;
    const cells = source.cells.slice(0, length);
    for (const cell of cells) this.references[cell]++;
    this.sequences.set(to, { ids: source.ids.slice(0, length), cells });
  }

  /** Releases all of the sequence's cells. */
  release(seq: number): void {
    this.truncate(seq, 0);
  }

  /**
   * The first cell for `count` tokens that cannot be placed right after their sequence: the middle of the longest free
   * range, so that the sequence before it can grow too, or its start if no sequence ends there. Attention reads
   * contiguous cells directly and copies others.
   */
  private firstCellFor(count: number): number {
    const { references, capacity } = this;
    let [start, length] = [0, 0];
    for (let cell = 0; cell < capacity; cell++) {
      if (references[cell] !== 0) continue;
      const first = cell;
      while (cell < capacity && references[cell] === 0) cell++;
      if (cell - first > length) [start, length] = [first, cell - first];
    }
    return start === 0 ? 0 : start + Math.max(0, (length - count) >> 1);
  }
}

/** A copy with a capacity of twice `length`. */
function grown(values: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(2 * length);
  copy.set(values);
  return copy;
}
