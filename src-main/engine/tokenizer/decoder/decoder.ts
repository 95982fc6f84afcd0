/**
 * Turns pieces of the vocabulary into text, in two stages: steps that see one piece at a time (all before `Fuse`), and
 * steps that see the text these make together (all after it). Either kind works on a growing sequence, so that
 * streaming and decoding at once are the same computation.
 */
export interface Decoder {
  readonly pieceSteps: readonly PieceStep[];
  readonly textSteps: readonly TextStep[];
  /** Whether the steps for pieces make characters 0..255 of them, one per byte. */
  readonly joinsBytes: boolean;
}

/** A rewriting of pieces that arrive one by one. */
export interface PieceStep {
  /** @param continues pieces came before, of which nothing else is known */
  start(continues: boolean): PieceStream;
  /** What a piece in the middle of a sequence stands for: text, or bytes of it. */
  inside(piece: string): string | Uint8Array;
}

export interface PieceStream {
  /** Pieces that are certain after this one. */
  push(piece: string): readonly string[];
  /** Whether pieces are held back. */
  readonly pending: boolean;
  /** The rest, at the end of the sequence. */
  flush(): readonly string[];
}

/** A rewriting of a text that arrives bit by bit. */
export interface TextStep {
  start(continues: boolean): TextStream;
}

export interface TextStream {
  /** What is certain after `text`. */
  push(text: string): string;
  /** Whether text is held back. */
  readonly pending: boolean;
  /** The rest, at the end of the text. */
  flush(): string;
}

/**
 * Rewrites each piece by itself. `index` counts the pieces of the sequence from 0; `continues`: pieces came before it, so
 * that a space with which its first piece begins is one.
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

/** For what can only be said of the whole text: all of it is held back to the end. */
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

  /** @param continues the sequence goes on from a text before it */
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

/** UTF-8 bytes that a piece inside a text stands for. */
export function pieceBytes({ pieceSteps, joinsBytes }: Decoder, piece: string): Uint8Array {
  let text = piece;
  for (const step of pieceSteps) {
    const result = step.inside(text);
    if (typeof result !== 'string') return result;
    text = result;
  }
  return joinsBytes ? Uint8Array.from(text, (byte) => byte.charCodeAt(0)) : new TextEncoder().encode(text);
}
