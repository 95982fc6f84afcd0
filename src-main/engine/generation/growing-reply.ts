import type { Tokenizer, TokenStream } from '../tokenizer/tokenizer.ts';
import type { GeneratedToken } from '../api/types.ts';
import type { Joint } from './continuation.ts';
import type { ReplyParts } from './reply-parts.ts';
import { shownPiece } from './shown-piece.ts';
import { StopDetector, type Release } from './stop-detector.ts';

/** A generated token without what is known only when it is shown. */
export type DrawnToken = Omit<GeneratedToken, 'text' | 'piece'>;

/** Tokens that may be shown now, and the stop string that ended the reply, if any. */
export interface Shown {
  tokens: GeneratedToken[];
  stopString: string | null;
}

/** A growing reply: decodes its tokens and decides when to show them. */
export class GrowingReply {
  /** Tokens shown. */
  readonly ids: number[] = [];
  text = '';
  private readonly stream: TokenStream;
  private readonly detector: StopDetector<DrawnToken>;

  /** @param joint to the text that the reply continues @param passedOver see `StopDetector` */
  constructor(
    private readonly tokenizer: Tokenizer,
    stopStrings: readonly string[],
    private readonly parts: ReplyParts,
    { stream, before }: Joint = { stream: tokenizer.stream({ continues: true }), before: '' },
    passedOver: string | null = null,
  ) {
    this.stream = stream;
    this.detector = new StopDetector(stopStrings, passedOver, before);
  }

  push(token: DrawnToken): Shown {
    return this.show(this.detector.push(token, this.stream.push(token.id), this.stream.pending));
  }

  /** Ends the reply and shows what was held back. */
  finish(): Shown {
    const { tokens, stopString } = this.show(this.detector.finish(this.stream.flush()));
    return { tokens: [...tokens, ...this.parts.finish()], stopString };
  }

  private show(release: Release<DrawnToken>): Shown {
    const tokens: GeneratedToken[] = [];
    for (const { token, text } of release.tokens) {
      this.ids.push(token.id);
      this.text += text;
      const piece = shownPiece(this.tokenizer, token.id);
      const hidden = text === '' && this.tokenizer.isSpecial(token.id);
      tokens.push(...this.parts.push({ ...token, piece, text }, hidden ? piece : text));
    }
    const { stopString } = release;
    if (stopString !== null) tokens.push(...this.parts.finish());
    return { tokens, stopString };
  }
}
