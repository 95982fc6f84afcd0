import { untrack } from 'svelte';
import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { RecomputedTokens } from '../state/recomputed-tokens.svelte.ts';
import type { Reply } from '../state/reply.svelte.ts';
import { colourBasis, needsScores } from './colour-basis.ts';
import { tintOf, type TintOfToken } from './tint.ts';

/** Getters are reactive. */
export interface ReplyTintParts {
  readonly reply: Reply;
  /** Its tokens are coloured. */
  readonly asTokens: boolean;
  readonly colours: TokenColours;
  readonly recomputed: Pick<RecomputedTokens, 'measuresOf' | 'scores' | 'blocked' | 'problem' | 'score'>;
  /** The engine is generating: nothing is recomputed meanwhile. */
  readonly busy: boolean;
}

/** How the tokens of a reply are coloured, in a chat and in a lane. */
export class ReplyTint {
  readonly #parts: ReplyTintParts;
  /** Another function for other colours, so that all tokens are coloured again. */
  readonly tintOf = $derived.by((): TintOfToken => {
    const { reply, colours, recomputed } = this.#parts;
    return (index, logprob) => {
      const known = reply.idOf(index) === NO_TOKEN ? null : logprob;
      return tintOf(colours, { logprob: known, ...recomputed.measuresOf(index, colours.by) });
    };
  });
  /** What the colours are based on; null if it is stored, or nothing is coloured. */
  readonly basis = $derived.by((): string | null => {
    const { reply, asTokens, colours, recomputed, busy } = this.#parts;
    return asTokens ? colourBasis(reply, colours.by, recomputed, busy) : null;
  });
  readonly #wantsScores = $derived.by((): boolean => {
    const { reply, asTokens, colours, recomputed, busy } = this.#parts;
    return asTokens && !busy && needsScores(reply, colours.by) && recomputed.blocked === null;
  });

  constructor(parts: ReplyTintParts) {
    this.#parts = parts;
  }

  /** Computes what the colours need and the reply does not have. For an effect. @returns cancels it */
  score(): (() => void) | undefined {
    return this.#wantsScores ? untrack(() => this.#parts.recomputed.score()) : undefined;
  }
}
