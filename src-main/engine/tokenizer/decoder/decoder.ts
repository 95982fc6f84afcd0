/**
 * Turns pieces of the vocabulary into text, in two stages: steps that see one piece at a time (all before `Fuse`), and
 * steps that see the text these make together (all after it). Either kind works on a growing sequence, so that
 * streaming and decoding at once are the same computation.
 */
export interface Decoder {
  readonly pieceSteps: readonly PieceStep[];
  readonly textSteps: readonly TextStep[];
  /** Whether the steps for pieces make characters 0..255 of them, one per byte. */
  readonly joinsBytes?: boolean;
}

/** Rewrites one piece. `index` counts the pieces of the sequence from 0. */
export type PieceStep = (piece: string, index: number) => string;

/** A rewriting of a text that arrives bit by bit. */
export interface TextStep {
  start(): TextStream;
}

export interface TextStream {
  /** What is certain after `text`. */
  push(text: string): string;
  /** Whether text is held back. */
  readonly pending: boolean;
  /** The rest, at the end of the text. */
  flush(): string;
}

/** Decodes one growing sequence of pieces. */
export class DecoderStream {
  private count = 0;
  private readonly streams: readonly TextStream[];

  constructor(private readonly decoder: Decoder) {
    this.streams = decoder.textSteps.map((step) => step.start());
  }

  push(piece: string): string {
    const index = this.count++;
    const text = this.decoder.pieceSteps.reduce((current, step) => step(current, index), piece);
    return this.through(text, 0);
  }

  get pending(): boolean {
    return this.streams.some((stream) => stream.pending);
  }

  flush(): string {
    return this.streams.map((stream, i) => this.through(stream.flush(), i + 1)).join('');
  }

  private through(text: string, from: number): string {
    return this.streams.slice(from).reduce((current, stream) => stream.push(current), text);
  }
}

/** UTF-8 bytes that a piece inside a text stands for. */
export function pieceBytes({ pieceSteps, joinsBytes }: Decoder, piece: string): Uint8Array {
  const text = pieceSteps.reduce((current, step) => step(current, 1), piece);
  return joinsBytes ? Uint8Array.from(text, (byte) => byte.charCodeAt(0)) : new TextEncoder().encode(text);
}
