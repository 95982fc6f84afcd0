import { untrack } from 'svelte';
import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import { tokenMark } from '../../../../src-main/protocol/app/chats/notebook.ts';
import type { RecomputedTokens } from '../../chat/state/recomputed-tokens.svelte.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { colourBasis, needsScores } from '../../chat/thread/colour-basis.ts';
import type { TokenMeasures } from '../../chat/thread/tint.ts';
import type { NotebookSession } from './notebook-session.svelte.ts';
import type { NotebookToken } from './token-runs.ts';

/** By the mark of the token (`tokenMark`). */
export type MeasuresByToken = ReadonlyMap<string, Pick<TokenMeasures, 'rank' | 'entropy'>>;

interface Parts {
  readonly session: Pick<NotebookSession, 'busy' | 'recomputedOf'>;
  /** What tokens are coloured by; null while they are not. */
  by(): TokenColours['by'] | null;
}

/** Ranks and entropies of the tokens on screen, which may have to be computed again to colour them. */
export class ShownMeasures {
  /** The tokens on screen. Only needed while `isNeeded`. */
  tokens = $state.raw<readonly NotebookToken[]>([]);
  readonly #parts: Parts;
  /** Cancels what is being computed. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on screen depends on it
  readonly #scoring = new Map<Reply, () => void>();

  readonly byToken = $derived.by((): MeasuresByToken => {
    const by = this.#parts.by() ?? 'probability';
    const tokens = this.isNeeded ? this.tokens : [];
    // eslint-disable-next-line svelte/prefer-svelte-reactivity -- it never changes
    return new Map(
      tokens.map(({ reply, index }) => [tokenMark(reply.id, index), this.#recomputedOf(reply).measuresOf(index, by)]),
    );
  });
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- it never changes
  readonly #replies = $derived.by(() => [...new Set(this.tokens.map(({ reply }) => reply))]);

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Tokens are coloured by something that their replies do not have. */
  get isNeeded(): boolean {
    const by = this.#parts.by();
    return by === 'rank' || by === 'entropy';
  }

  /** What the colours are based on, if it is not stored: of the first reply with a problem, or of all. */
  get basis(): string | null {
    const by = this.#parts.by();
    if (by === null || !this.isNeeded) return null;
    let basis: string | null = null;
    for (const reply of this.#replies) {
      const recomputed = this.#recomputedOf(reply);
      const own = colourBasis(reply, by, recomputed, this.#parts.session.busy);
      if (own !== null && recomputed.scores === null) return own;
      basis ??= own;
    }
    return basis;
  }

  /** Computes what is missing, and stops computing what is no longer on screen. For an effect: reads what it depends on. */
  compute(): void {
    const by = this.#parts.by();
    const isPossible = by !== null && this.isNeeded && !this.#parts.session.busy;
    const wanted = isPossible ? this.#replies.filter((reply) => this.#wants(reply, by)) : [];
    untrack(() => {
      for (const [reply, cancel] of this.#scoring) {
        // What failed may be possible now: the text has changed.
        if (wanted.includes(reply) && this.#recomputedOf(reply).problem === null) continue;
        cancel();
        this.#scoring.delete(reply);
      }
      for (const reply of wanted) {
        if (!this.#scoring.has(reply)) this.#scoring.set(reply, this.#recomputedOf(reply).score());
      }
    });
  }

  /** Stops computing. */
  end(): void {
    for (const cancel of this.#scoring.values()) cancel();
    this.#scoring.clear();
  }

  #wants(reply: Reply, by: TokenColours['by']): boolean {
    return needsScores(reply, by) && this.#recomputedOf(reply).blocked === null;
  }

  #recomputedOf(reply: Reply): RecomputedTokens {
    // State that is created inside a reader does not notify it.
    return untrack(() => this.#parts.session.recomputedOf(reply));
  }
}
