import type { Batch, Executor, Outputs, RunResult } from '../executors/executor.ts';
import type { CacheAnswer } from '../api/inside-types.ts';
import { type KvCache, UNKNOWN_TOKEN } from '../kv-cache/kv-cache.ts';
import type { CancelToken } from '../api/platform.ts';

/** A sequence of tokens whose K and V are stored, which a reply extends. */
export interface TokenWindow {
  /** Number of its tokens. */
  readonly length: number;
  /**
   * Continues from the longest prefix of `ids` that is stored in any sequence. The last of `ids` is never reused: running
   * it gives the next logits.
   * @returns number of reused tokens
   */
  reuse(ids: readonly number[]): number;
  /** Starts empty. `reuse` may still find the previous contents later. */
  fresh(): void;
  /** Drops the contents. */
  clear(): void;
  /** Drops the tokens from position `length` on. */
  truncate(length: number): void;
  /**
   * Appends `ids` and runs them. After a failure the window is unchanged.
   * @param outputs rows count from the first of `ids`
   * @throws EngineError CANCELLED when `cancel` was set during the run
   */
  run(ids: readonly number[], outputs: Outputs, cancel?: CancelToken): Promise<RunResult>;
  /** Absent if runs cannot choose tokens. */
  readonly chosen?: ChosenRuns | undefined;
}

/** Runs of tokens that the runs before them choose (`Outputs.choose`). They may be started before those have finished. */
export interface ChosenRuns {
  /** Appends a token that has no name yet, and runs it. After a failure the caller truncates the window. */
  run(outputs: Outputs, cancel?: CancelToken): Promise<RunResult>;
  /** Names the token at a position. */
  name(position: number, id: number): void;
}

/** The variant of sequences that the model itself ran. */
export const OWN = '';
/** Maximum number of sequences kept beside the one in use. */
const MAX_KEPT = 16;
/** Maximum number of temporary sequences, of the model's own and of variants each. */
const MAX_TEMPORARY = 2;
/** Up to this length, tokens are recomputed rather than kept as a separate sequence. */
const SHORT = 64;

/**
 * The window of the current request and the sequences of earlier ones: chats, versions of a reply, scored texts. They
 * share the cells of common prefixes; the least recently used one is released first, temporary ones before all others.
 */
export class ContextWindow implements TokenWindow {
  readonly chosen: ChosenRuns | undefined;
  private sequence = 0;
  private last = 0;
  /** Least recently used first. */
  private kept: number[] = [];
  /** See `switchTo`. */
  private variant = OWN;
  /** Of kept sequences that are not the model's own. */
  private readonly variants = new Map<number, string>();
  /** See `temporarily`. */
  private readonly temporary = new Set<number>();
  /** What the window is used for: a reply, to look inside a run, or only to read what comes after a sequence. */
  private purpose: 'reply' | 'look' | 'read' = 'reply';
  /** Expected length after prefill, in tokens; 0 if unknown. */
  private expected = 0;

  constructor(
    private readonly executor: Pick<Executor, 'run' | 'choosesTokens'>,
    private readonly cache: KvCache,
  ) {
    if (!executor.choosesTokens) return;
    this.chosen = {
      run: async (outputs, cancel) => {
        const batch = { ...this.append([UNKNOWN_TOKEN]), tokens: new Int32Array(1), isChosen: true };
        return await executor.run(batch, outputs, cancel);
      },
      name: (position, id) => cache.name(this.sequence, position, id),
    };
  }

  get length(): number {
    return this.cache.length(this.sequence);
  }

  reuse(ids: readonly number[]): number {
    const taken = this.continueBest(ids);
    this.expected = ids.length;
    return taken;
  }

  private continueBest(ids: readonly number[]): number {
    const wanted = Math.max(0, ids.length - 1);
    let common = this.cache.common(this.sequence, ids, wanted);
    if (common === wanted || this.kept.length === 0) return this.continueFrom(this.sequence, common);
    let best = this.sequence;
    for (const sequence of this.ofVariant(this.variant).filter((kept) => kept !== this.sequence)) {
      const found = this.cache.common(sequence, ids, wanted);
      // More recently used ones come later. Among equals the newest wins, but none replaces the one in use.
      if (found > common || (found === common && best !== this.sequence)) [best, common] = [sequence, found];
    }
    return this.continueFrom(best, common);
  }

  fresh(): void {
    this.expected = 0;
    this.keep(this.sequence);
    this.sequence = ++this.last;
  }

  clear(): void {
    this.expected = 0;
    this.cache.release(this.sequence);
  }

  truncate(length: number): void {
    this.cache.truncate(this.sequence, length);
  }

  async run(ids: readonly number[], outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    const before = this.length;
    const batch = this.append(ids);
    try {
      return await this.executor.run(batch, outputs, cancel);
    } catch (error) {
      this.cache.truncate(this.sequence, before);
      throw error;
    }
  }

  private append(ids: readonly number[]): Batch {
    // Cells for the whole prompt at once, so that they are contiguous.
    const expected = Math.max(ids.length, this.expected - this.length);
    const first = this.claim(expected);
    this.freeUpTo(expected);
    const { tokens, cells, positions, context } = this.cache.append(this.sequence, ids, expected, first);
    return { tokens, positions, cells, sequences: new Int32Array(ids.length), contexts: [context] };
  }

  /** Cells of the first `length` tokens of the window. */
  cells(length: number): Int32Array {
    return this.cache.cells(this.sequence, length);
  }

  /** Cells of these tokens if a sequence of the model's own begins with them, else null. */
  cellsOf(ids: readonly number[]): Int32Array | null {
    const sequence = this.sequenceWith(ids, OWN);
    return sequence === undefined ? null : this.cache.cells(sequence, ids.length);
  }

  /** Appends tokens without running them. @returns their cells, where the caller writes K and V */
  adopt(ids: readonly number[]): Int32Array {
    const expected = Math.max(ids.length, this.expected - this.length);
    const first = this.claim(expected);
    this.freeUpTo(expected);
    return this.cache.append(this.sequence, ids, expected, first).cells;
  }

  /** What the cache holds, and how many of `ids` it would reuse in any sequence. */
  contents(ids: readonly number[]): Omit<CacheAnswer, 'kind' | 'bytesPerToken'> {
    const all = [this.sequence, ...this.kept.toReversed()];
    const own = this.ofVariant(OWN);
    return {
      ...{ cells: this.cache.capacity, free: this.cache.free, shared: this.cache.shared },
      resident: Math.max(0, ...own.map((sequence) => this.cache.common(sequence, ids))),
      sequences: all.map((sequence) => this.cache.length(sequence)).filter((length) => length > 0),
    };
  }

  /**
   * From here on, only sequences of this variant are found: those that were run while it was in use. The window starts
   * empty. Runs with taps or another program are variants, so that a chat never continues their K and V.
   */
  switchTo(variant: string): void {
    if (variant === this.variant) return;
    this.fresh();
    this.variant = variant;
  }

  /**
   * Sequences that begin during `use` are temporary, as all variants are: they are released before all others, and by
   * `releaseTemporary`. They stay if a reply extends them.
   */
  temporarily<T>(use: () => Promise<T>): Promise<T> {
    return this.during('look', use);
  }

  /** Temporary sequences that `use` extends are still temporary. */
  reading<T>(use: () => Promise<T>): Promise<T> {
    return this.during('read', use);
  }

  private async during<T>(purpose: 'look' | 'read', use: () => Promise<T>): Promise<T> {
    this.purpose = purpose;
    try {
      return await use();
    } finally {
      this.purpose = 'reply';
    }
  }

  releaseTemporary(): void {
    for (const sequence of this.keptTemporary()) this.drop(sequence);
    if (this.temporary.has(this.sequence)) this.clear();
  }

  /** Whether a sequence of a variant begins with these tokens. */
  holds(ids: readonly number[], variant: string): boolean {
    return this.sequenceWith(ids, variant) !== undefined;
  }

  /** Tokens that `probe` can run at once without taking the room of any sequence, or 1. */
  get roomForProbe(): number {
    return Math.max(1, this.cache.free);
  }

  /**
   * Runs the last `count` of `ids` after the others, in a sequence that is dropped afterwards. All sequences stay as they
   * are, unless it needs their room.
   * @param count at most `roomForProbe`
   * @returns null if no sequence of this variant begins with the others
   */
  async probe(
    ids: readonly number[],
    count: number,
    variant: string,
    outputs: Outputs,
    cancel?: CancelToken,
  ): Promise<RunResult | null> {
    const before = ids.slice(0, -count);
    const sequence = this.sequenceWith(before, variant);
    if (sequence === undefined) return null;
    if (sequence !== this.sequence) this.kept = [...this.kept.filter((other) => other !== sequence), sequence];
    const probe = ++this.last;
    if (before.length > 0) this.cache.fork(sequence, probe, before.length);
    try {
      this.freeUpTo(count);
      // A full window's last token would be computed again anyway: `reuse` never takes the last one.
      if (this.cache.free === 0) this.truncate(this.length - 1);
      const { tokens, cells, positions, context } = this.cache.append(probe, ids.slice(-count));
      const batch = { tokens, positions, cells, sequences: new Int32Array(count), contexts: [context] };
      return await this.executor.run(batch, outputs, cancel);
    } finally {
      this.cache.release(probe);
    }
  }

  private sequenceWith(ids: readonly number[], variant: string): number | undefined {
    // Every sequence begins with no tokens at all.
    if (ids.length === 0) return this.sequence;
    return this.ofVariant(variant).find((sequence) => this.cache.common(sequence, ids) === ids.length);
  }

  private ofVariant(variant: string): number[] {
    const kept = this.kept.filter((sequence) => (this.variants.get(sequence) ?? OWN) === variant);
    return this.variant === variant ? [...kept, this.sequence] : kept;
  }

  private drop(sequence: number): void {
    this.kept = this.kept.filter((other) => other !== sequence);
    this.variants.delete(sequence);
    this.temporary.delete(sequence);
    this.cache.release(sequence);
  }

  /** Releases kept sequences until `cells` are free or none is left. */
  private freeUpTo(cells: number): void {
    while (this.cache.free < cells && this.kept.length > 0) this.drop(this.keptTemporary()[0] ?? this.kept[0]);
  }

  /**
   * Notes who needs the sequence in use, which is about to grow.
   * @returns first cell of the temporary sequence whose place it takes, if `expected` tokens fit there: pages that were never
   * written take no memory
   */
  private claim(expected: number): number | undefined {
    if (this.purpose !== 'look' && this.variant === OWN) {
      if (this.purpose === 'reply') this.temporary.delete(this.sequence);
      return undefined;
    }
    const isNew = this.length === 0;
    if (isNew) this.temporary.add(this.sequence);
    const others = this.keptTemporary().filter((kept) => this.variants.has(kept) === (this.variant !== OWN));
    let first: number | undefined;
    for (const oldest of others.slice(0, 1 - MAX_TEMPORARY)) {
      [first] = this.cache.cells(oldest, 1);
      this.drop(oldest);
    }
    return isNew && first !== undefined && this.cache.isFree(first, expected) ? first : undefined;
  }

  /** Whether a temporary sequence is needed, because this one is not: it is neither shortened nor extended. */
  private isForeign(sequence: number): boolean {
    return this.purpose === 'look' && !this.temporary.has(sequence);
  }

  private keptTemporary(): number[] {
    return this.kept.filter((kept) => this.temporary.has(kept));
  }

  /** Makes the first `length` tokens of a sequence the window. */
  private continueFrom(sequence: number, length: number): number {
    const rest = this.cache.length(sequence) - length;
    if (length === 0) {
      if (this.length > SHORT || this.isForeign(this.sequence)) this.fresh();
      else this.clear();
    } else if (rest > SHORT || this.isForeign(sequence)) {
      // Fork it before it can be released: keeping a sequence may release the oldest.
      this.kept = this.kept.filter((other) => other !== sequence);
      if (sequence !== this.sequence) this.keep(this.sequence);
      this.keep(sequence);
      const branch = ++this.last;
      this.cache.fork(sequence, branch, length);
      this.sequence = branch;
      const isRead = this.purpose === 'read' && this.temporary.has(sequence);
      if (this.purpose === 'look' || isRead || this.variant !== OWN) this.temporary.add(branch);
    } else {
      if (sequence !== this.sequence) {
        this.kept = this.kept.filter((other) => other !== sequence);
        this.keep(this.sequence);
        this.sequence = sequence;
      }
      this.cache.truncate(sequence, length);
    }
    return length;
  }

  /** Adds a sequence to the kept ones as the newest. Beyond `MAX_KEPT`, releases temporary ones first, then the oldest. */
  private keep(sequence: number): void {
    if (this.cache.length(sequence) > 0) {
      this.kept.push(sequence);
      if (this.variant !== OWN) this.variants.set(sequence, this.variant);
    } else this.temporary.delete(sequence);
    while (this.kept.length > MAX_KEPT) {
      this.drop(this.keptTemporary().find((other) => other !== sequence) ?? this.kept[0]);
    }
  }
}
