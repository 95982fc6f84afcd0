import { mayBegin } from './continuation.ts';

/** A token and the text that it adds to the reply. */
export interface TokenText<T> {
  readonly token: T;
  readonly text: string;
}

export interface Release<T> {
  /** Tokens that may be shown now, in order. */
  tokens: TokenText<T>[];
  /** The stop string found, which ends the reply; null if none. */
  stopString: string | null;
}

/**
 * Finds stop strings in a growing reply, also across token boundaries. Tokens are held back as long as their text may be
 * the beginning of a stop string, so that no part of one is ever shown.
 *
 * The earliest position of any stop string wins, however the text is tokenized: a match waits while an earlier,
 * incomplete one may still be completed. At the same position the shortest wins.
 */
export class StopDetector<T> {
  private held: TokenText<T>[] = [];
  private heldText = '';
  /** The stop string that may come first; null once that is decided. */
  private passedOver: string | null;
  /** Offset in the held text from which to search. */
  private from = 0;
  /** The end of the text before the held one, if a stop string may begin there. It was shown and stays. */
  private before: string;

  /**
   * @param stopStrings must not be empty strings
   * @param passedOver one of them that may come first, after white space, without ending the text
   * @param before the text that is continued, which may end with the beginning of a stop string
   */
  constructor(
    private readonly stopStrings: readonly string[],
    passedOver: string | null = null,
    before = '',
  ) {
    this.passedOver = passedOver !== null && stopStrings.includes(passedOver) ? passedOver : null;
    // What is passed over begins where the text before was cut.
    this.before = this.passedOver === null ? mayBegin(before, stopStrings) : '';
  }

  /** @param incomplete holds the token whatever its text, because `finish` may add to it */
  push(token: T, text: string, incomplete = false): Release<T> {
    // Most replies have no stop string, and most tokens are complete.
    if (this.stopStrings.length === 0 && this.held.length === 0 && !incomplete) {
      return { tokens: [{ token, text }], stopString: null };
    }
    this.held.push({ token, text });
    this.heldText += text;
    return this.decide(incomplete, false);
  }

  /**
   * Ends the reply and releases what is held.
   * @param rest text that the decoder held back, added to the last token
   */
  finish(rest: string): Release<T> {
    const last = this.held.pop();
    if (last === undefined) return { tokens: [], stopString: null };
    this.held.push({ token: last.token, text: last.text + rest });
    this.heldText += rest;
    return this.decide(false, true);
  }

  private decide(holdLast: boolean, final: boolean): Release<T> {
    if (!this.passOver(final)) return { tokens: [], stopString: null };
    const match = this.firstMatch();
    const partial = final ? null : this.firstPartialMatch();
    if (match !== null && (partial === null || match.position <= partial)) {
      return { tokens: this.takeBefore(match.position), stopString: match.stopString };
    }
    return { tokens: this.takeSafe(partial ?? this.heldText.length, holdLast, final), stopString: null };
  }

  /** Skips the stop string that may come first. @returns false while the text may still become it */
  private passOver(final: boolean): boolean {
    const { passedOver, heldText: text } = this;
    if (passedOver === null) return true;
    const first = text.length - text.trimStart().length;
    const starts = Array.from({ length: first + 1 }, (_, start) => start);
    const start = starts.find((at) => text.startsWith(passedOver, at));
    const mayCome = start === undefined && !final && starts.some((at) => passedOver.startsWith(text.slice(at)));
    if (mayCome) return false;
    this.passedOver = null;
    // White space before it may contain another stop string, which ends the reply as usual.
    const other = this.firstMatch()?.position ?? Infinity;
    if (start !== undefined && other >= start) this.from = start + passedOver.length;
    return true;
  }

  /** The position is an offset in the held text, negative if the match begins in the text before. */
  private firstMatch(): { position: number; stopString: string } | null {
    const { before, heldText, from } = this;
    const text = before + heldText;
    let best: { position: number; stopString: string } | null = null;
    for (const stopString of this.stopStrings) {
      // What ends in the text before is shown already.
      const start = text.indexOf(stopString, Math.max(from, before.length + 1 - stopString.length));
      if (start === -1) continue;
      const position = start - before.length;
      const better =
        best === null ||
        position < best.position ||
        (position === best.position && stopString.length < best.stopString.length);
      if (better) best = { position, stopString };
    }
    return best;
  }

  /** The earliest position from which the text so far is the beginning of a stop string, as in `firstMatch`. */
  private firstPartialMatch(): number | null {
    const text = this.before + this.heldText;
    let first: number | null = null;
    for (const stopString of this.stopStrings) {
      const from = Math.max(this.from, text.length - stopString.length + 1);
      for (let start = from; start < (first ?? text.length); start++) {
        if (stopString.startsWith(text.slice(start))) first = start;
      }
    }
    return first === null ? null : first - this.before.length;
  }

  /**
   * Removes the held tokens up to the one that contains `position`, without tokens at the end that add no visible text.
   */
  private takeBefore(position: number): TokenText<T>[] {
    const tokens: TokenText<T>[] = [];
    let start = 0;
    for (const { token, text } of this.held) {
      if (start >= position) break;
      tokens.push({ token, text: text.slice(0, position - start) });
      start += text.length;
    }
    this.held = [];
    this.heldText = '';
    return withoutTrailingEmpty(tokens);
  }

  /** Removes the held tokens whose whole text is before `position`. */
  private takeSafe(position: number, holdLast: boolean, final: boolean): TokenText<T>[] {
    // No stop string begins there any more.
    if (position >= 0) this.before = '';
    let tokens: TokenText<T>[] = [];
    let end = 0;
    for (const held of this.held) {
      end += held.text.length;
      if (end > position) break;
      tokens.push(held);
    }
    if (holdLast && tokens.length === this.held.length) tokens.pop();
    // A stop string may begin right after tokens without text, which are then not shown either.
    if (!final && this.stopStrings.length > 0) tokens = withoutTrailingEmpty(tokens);
    this.held = this.held.slice(tokens.length);
    const before = this.heldText.length;
    this.heldText = this.held.map((held) => held.text).join('');
    this.from = Math.max(0, this.from - (before - this.heldText.length));
    return tokens;
  }
}

function withoutTrailingEmpty<T>(tokens: TokenText<T>[]): TokenText<T>[] {
  const last = tokens.findLastIndex(({ text }) => text !== '');
  return tokens.slice(0, last + 1);
}
