import type { PieceStep } from './decoder.ts';

/** As parsed by Rust: two hexadecimal digits, or a plus sign and one. */
const BYTE_PIECE = /^<0x(\+[0-9a-f]|[0-9a-f]{2})>$/i;

function byteOf(piece: string): number | null {
  const digits = BYTE_PIECE.exec(piece)?.[1];
  return digits === undefined ? null : parseInt(digits.replace('+', ''), 16);
}

/**
 * Decodes `<0x..>` pieces. A run of them that is valid UTF-8 as a whole is that text; otherwise every byte of the run is
 * U+FFFD, even parts that are valid. So nothing of a run is certain before it ends.
 */
export const byteFallbackStep: PieceStep = {
  inside(piece) {
    const byte = byteOf(piece);
    return byte === null ? piece : Uint8Array.of(byte);
  },
  start() {
    let run: number[] = [];
    const flush = () => {
      const pieces = piecesOfRun(run);
      run = [];
      return pieces;
    };
    return {
      push(piece) {
        const byte = byteOf(piece);
        if (byte === null) return run.length === 0 ? [piece] : [...flush(), piece];
        run.push(byte);
        return [];
      },
      get pending() {
        return run.length > 0;
      },
      flush,
    };
  },
};

function piecesOfRun(run: readonly number[]): string[] {
  if (run.length === 0) return [];
  try {
    return [new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(run))];
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return run.map(() => '\ufffd');
  }
}

/** As `byteFallbackStep`, for a text that is one piece. */
export function decodeByteFallback(text: string): string {
  const byte = byteOf(text);
  return byte === null ? text : piecesOfRun([byte]).join('');
}
