/** Where replies of lanes first differ. Cheap while they grow: tokens that were found equal are not compared again. */
import type { Reply } from '../../chat/state/reply.svelte.ts';

/** A reply as the comparison reads it. Its ids grow in place. */
export type ComparedReply = Pick<Reply, 'columns' | 'count' | 'running'>;

/** What a reply has in common with another one. */
export interface Common {
  /** Tokens that both begin with, so far. */
  readonly shared: number;
  /** Index of the first token that differs; null while none does. As `divergesAt` of finished replies. */
  readonly at: number | null;
}

/** Compares one reply with another one, again and again. */
export class Divergence {
  #pair: readonly [ComparedReply, ComparedReply] | null = null;
  #shared = 0;
  #result: Common | null = null;

  /** @returns the same object as before while nothing has changed */
  of(base: ComparedReply, other: ComparedReply): Common {
    if (this.#pair?.[0] !== base || this.#pair[1] !== other) {
      this.#pair = [base, other];
      this.#shared = 0;
    }
    const shorter = Math.min(base.count, other.count);
    const [first, second] = [base.columns.ids, other.columns.ids];
    while (this.#shared < shorter && first[this.#shared] === second[this.#shared]) this.#shared++;
    const shared = this.#shared;
    // One that has ended differs where the other goes on.
    const isEnd = base.count !== other.count && !(base.count === shared ? base.running : other.running);
    this.#result = unchanged(this.#result, { shared, at: shared < shorter || isEnd ? shared : null });
    return this.#result;
  }
}

/** The object from before if it says the same, so that nothing is drawn again for it. */
export function unchanged(before: Common | null, now: Common): Common {
  return before?.shared === now.shared && before.at === now.at ? before : now;
}

/** The earliest of one or more divergences, which is where the lane that all are compared with is marked. */
export function earliest(all: readonly Common[]): Common {
  const ats = all.flatMap(({ at }) => (at === null ? [] : [at]));
  return {
    shared: Math.min(...all.map(({ shared }) => shared)),
    at: ats.length === 0 ? null : Math.min(...ats),
  };
}

/** A lane with the reply on screen. */
interface DivergingLane {
  readonly reply: (ComparedReply & Pick<Reply, 'facts'>) | null;
}

/** Compares lanes with one of them, again and again. */
export class LaneDivergences {
  readonly #known = new WeakMap<DivergingLane, Divergence>();
  #earliest: Common | null = null;

  /**
   * @returns what each lane has in common with `base`; for `base`, with all others. Null where there is nothing to compare:
   * no tokens, or those of another vocabulary
   */
  of(lanes: readonly DivergingLane[], base: DivergingLane | null): readonly (Common | null)[] {
    const first = base?.reply ?? null;
    const others = lanes.map((lane): Common | null => {
      const { reply } = lane;
      if (lane === base || first === null || reply === null || reply.count === 0) return null;
      return reply.facts.modelId === first.facts.modelId ? this.#divergence(lane).of(first, reply) : null;
    });
    const known = others.filter((common) => common !== null);
    this.#earliest = known.length === 0 ? null : unchanged(this.#earliest, earliest(known));
    return lanes.map((lane, at) => (lane === base ? this.#earliest : others[at]));
  }

  #divergence(lane: DivergingLane): Divergence {
    const known = this.#known.get(lane) ?? new Divergence();
    this.#known.set(lane, known);
    return known;
  }
}
