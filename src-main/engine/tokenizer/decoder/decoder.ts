/**
 * Turns pieces of the vocabulary into text, in two stages: steps for one piece at a time (before `Fuse`), and steps for
 * the joined text (after it). Both work on a growing sequence, so that streaming and one-time decoding are the same
 * computation.
 */
export interface Decoder {
  readonly pieceSteps: readonly PieceStep[];
  readonly textSteps: readonly TextStep[];
  /** Whether the steps for pieces turn them into characters 0..255, one per byte. */
  readonly joinsBytes: boolean;
}

/** Rewrites pieces that arrive one by one. */
export interface PieceStep {
  /** @param continues whether other, unknown pieces came before */
  start(continues: boolean): PieceStream;
  /** A piece inside a sequence as text, or its bytes. */
  inside(piece: string): string | Uint8Array;
}

export interface PieceStream {
  /** Returns the pieces that are final after this one. */
  push(piece: string): readonly string[];
  /** Whether pieces are held back. */
  readonly pending: boolean;
  /** Returns the rest, at the end of the sequence. */
  flush(): readonly string[];
}

/** Rewrites a text that arrives in parts. */
export interface TextStep {
  start(continues: boolean): TextStream;
}

export interface TextStream {
  /** Returns what is final after `text`. */
  push(text: string): string;
  /** Whether text is held back. */
  readonly pending: boolean;
  /** Returns the rest, at the end of the text. */
  flush(): string;
}

/**
 * Rewrites each piece separately. `index` counts the pieces of the sequence from 0. With `continues`, pieces came before
 * it, so that a leading space of its first piece is kept.
 */
export function eachPiece(rewrite: (piece: string, index: number, continues: boolean) => string): PieceStep {
  return {
    inside: (piece) => rewrite(piece, 1, true),
    start(continues) {
      let count = 0;
      return { push: (piece) => [rewrite(piece, count++, continues)], pending: false, flush: () => [] };
    },
  };
}

/** For rewriting that needs the whole text: holds back everything until the end. */
export function wholeTextStep(rewrite: (text: string) => string): TextStep {
  return {
    start() {
      let held = '';
      return {
        push(text) {
          held += text;
          return '';
        },
        get pending() {
          return held !== '';
        },
        flush() {
          const text = held;
          held = '';
          return rewrite(text);
        },
      };
    },
  };
}

/** Decodes one growing sequence of pieces. */
export class DecoderStream {
  private readonly pieceStreams: readonly PieceStream[];
  private readonly textStreams: readonly TextStream[];

  /** @param continues whether the sequence continues a text */
  constructor({ pieceSteps, textSteps }: Decoder, continues = false) {
    this.pieceStreams = pieceSteps.map((step) => step.start(continues));
    this.textStreams = textSteps.map((step) => step.start(continues));
  }

  push(piece: string): string {
    return this.throughTexts(this.throughPieces([piece], 0), 0);
  }

  get pending(): boolean {
    return this.pieceStreams.some((stream) => stream.pending) || this.textStreams.some((stream) => stream.pending);
  }

  flush(): string {
    const parts = this.pieceStreams.map((stream, i) => this.throughPieces(stream.flush(), i + 1));
    const first = this.throughTexts(parts.join(''), 0);
    return first + this.textStreams.map((stream, i) => this.throughTexts(stream.flush(), i + 1)).join('');
  }

  private throughPieces(pieces: readonly string[], from: number): string {
    let current = pieces;
    for (let i = from; i < this.pieceStreams.length; i++) {
      current = current.flatMap((piece) => this.pieceStreams[i].push(piece));
    }
    return current.length === 1 ? current[0] : current.join('');
  }

  private throughTexts(text: string, from: number): string {
    for (let i = from; i < this.textStreams.length; i++) text = this.textStreams[i].push(text);
    return text;
  }
}

/** UTF-8 bytes of a piece inside a text. */
export function pieceBytes({ pieceSteps, joinsBytes }: Decoder, piece: string): Uint8Array {
  let text = piece;
  for (const step of pieceSteps) {
    const result = step.inside(text);
    if (typeof result !== 'string') return result;
    text = result;
  }
  return joinsBytes ? Uint8Array.from(text, (byte) => byte.charCodeAt(0)) : new TextEncoder().encode(text);
}
