import { EngineError } from '../api/errors.ts';
import type { SequenceContext } from './sequence-context.ts';

/** Where new tokens of one sequence go, and what they attend to: one sequence's part of a batch. */
export interface SequenceSlots {
  /** Token ids, as given. */
  readonly tokens: Int32Array;
  /** Cell of each new token. */
  readonly cells: Int32Array;
  readonly positions: Int32Array;
  /** The whole sequence, the new tokens included. It holds until the sequence is made shorter. */
  readonly context: SequenceContext;
}

interface Sequence {
  readonly ids: number[];
  /** `cells[i]` holds K and V of `ids[i]` at position i; longer than `ids`, so that a token more needs no copy. */
  cells: Int32Array;
}

/** Room that a new sequence has for tokens. */
const FIRST_ROOM = 64;

/**
 * Which cell of the executor's K and V storage holds which token of which sequence. Pure bookkeeping: the numbers live
 * in the executor. A cell is written once, by the sequence that appended it; forks share cells, and a cell is free
 * again when the last sequence that holds it lets go.
 *
 * Sequences are named by any integer; one that was never appended to is empty.
 */
export class KvCache {
  private readonly sequences = new Map<number, Sequence>();
  /** Number of sequences that hold each cell. */
  private readonly references: Int32Array;
  private freeCells: number;
  /** 0, 1, 2 and so on, as far as any sequence was long. */
  private positions = new Int32Array(0);

  /** @param capacity cells, that is tokens of all sequences together, shared ones counted once. */
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

  /** Tokens that the sequence holds. */
  length(seq: number): number {
    return this.sequences.get(seq)?.ids.length ?? 0;
  }

  /** Cells of the sequence's first `length` tokens, by position. */
  cells(seq: number, length: number): Int32Array {
    return this.sequences.get(seq)?.cells.slice(0, Math.min(length, this.length(seq))) ?? new Int32Array(0);
  }

  /**
   * Whether two sequences hold the same cells, as after `fork`. A cell is written once, behind its sequence's other tokens,
   * so those that share their last share all.
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
   * Keeps the longest common prefix of what the sequence holds and the first `count` of `ids`, releases the rest and
   * gives the prefix's length. Logits are not cached: who needs those of the last token leaves it out.
   */
  reuse(seq: number, ids: ArrayLike<number>, count = ids.length): number {
    const common = this.common(seq, ids, count);
    this.truncate(seq, common);
    return common;
  }

  /** Length of the longest common prefix of what the sequence holds and the first `count` of `ids`. */
  common(seq: number, ids: ArrayLike<number>, count = ids.length): number {
    const held = this.tokens(seq);
    const limit = Math.min(held.length, count);
    let common = 0;
    while (common < limit && held[common] === ids[common]) common++;
    return common;
  }

  /**
   * Gives cells to `ids` at the end of the sequence, all or none.
   * @param expected tokens, these and those that follow soon, for which a place is looked for where all lie in order
   * @param first cell of the first of `ids`, if it is free; left out, the one behind the sequence's last
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
    const sequence = this.sequences.get(seq) ?? { ids: [], cells: new Int32Array(FIRST_ROOM) };
    if (ids.length > 0) this.sequences.set(seq, sequence);
    const start = sequence.ids.length;
    const end = start + ids.length;
    if (end > sequence.cells.length) sequence.cells = grown(sequence.cells, end);
    if (end > this.positions.length) this.positions = grown(this.positions, end).map((_, i) => i);
    const { cells } = sequence;
    let next = first ?? (start > 0 ? cells[start - 1] + 1 : -1);
    for (let i = 0; i < ids.length; i++) {
      if (this.references[next] !== 0) next = this.placeFor(expected - i);
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

  /** Drops the tokens from position `length` on. A sequence that is shorter stays as it is. */
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
   * Makes `to` hold the first `length` tokens of `from`, in the same cells. What `to` held before is released.
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

  /** Lets go of all the sequence's cells. */
  release(seq: number): void {
    this.truncate(seq, 0);
  }

  /**
   * The first cell for `count` tokens that do not follow on what lies before them: in the middle of the longest free stretch,
   * so that whoever ends before it and these can both grow; at the beginning if nobody does. Attention reads cells in
   * order from where they are, and copies others.
   */
  private placeFor(count: number): number {
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

/** A copy with room for `length` and as many again. */
function grown(values: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(2 * length);
  copy.set(values);
  return copy;
}
