import { EngineError } from '../api/errors.ts';
import type { Logits } from './logits.ts';
import { orderTokens } from './select-top.ts';

/** A question that takes more logits than were read. */
export class MissingLogits extends EngineError {
  constructor() {
    super('INTERNAL', 'Only the best logits were read.');
  }
}

/**
 * The highest logits only, because reading all of them takes long where they were computed. Every answer is the same as
 * with all of them, or `MissingLogits`.
 */
export class TopLogits implements Logits {
  /** Best first. */
  private readonly ids: Int32Array;
  private readonly logits: ReadonlyMap<number, number>;

  /**
   * @param ids of all tokens above some logit, in any order
   * @param logits of these, none of them NaN
   * @param sum result of `logSum`
   * @param readAll reads all logits, or fails if they are no longer there
   */
  constructor(
    readonly size: number,
    ids: Int32Array,
    logits: Float32Array,
    private readonly sum: number,
    private readAll: () => Promise<Logits>,
  ) {
    this.ids = orderTokens(ids, logits);
    this.logits = new Map(Array.from(ids, (id, i) => [id, logits[i]]));
  }

  get known(): number {
    return this.ids.length;
  }

  get values(): never {
    throw new MissingLogits();
  }

  has(id: number): boolean {
    return this.logits.has(id);
  }

  at(id: number): number {
    const logit = this.logits.get(id);
    if (logit === undefined) throw new MissingLogits();
    return logit;
  }

  all(): Promise<Logits> {
    return this.readAll();
  }

  /** Replaces the way in which all logits are read. */
  readAllWith(readAll: () => Promise<Logits>): void {
    this.readAll = readAll;
  }

  logSum(): number {
    return this.sum;
  }

  top(k: number): Int32Array {
    if (k > this.ids.length) throw new MissingLogits();
    return this.ids.subarray(0, Math.max(0, k));
  }

  before(id: number): number {
    const rank = this.ids.indexOf(id);
    if (rank === -1) throw new MissingLogits();
    return rank;
  }

  countFinite(): never {
    throw new MissingLogits();
  }

  weigh(): never {
    throw new MissingLogits();
  }
}

/**
 * Uses the logits at hand, or all of them if that takes others.
 * @param use called again with all of them
 * @param undo called in between
 */
export async function withEnough<T>(logits: Logits, use: (logits: Logits) => T, undo: () => void): Promise<T> {
  try {
    return use(logits);
  } catch (error) {
    if (!(error instanceof MissingLogits)) throw error;
  }
  undo();
  return use(await logits.all());
}
