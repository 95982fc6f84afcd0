import { bytesOfPiece } from '../byte-level/alphabet.ts';
import type { PieceStep, TextStep } from './decoder.ts';

/**
 * The piece's bytes as a text of characters 0..255, one per byte; `utf8Step` makes text of them once all pieces are
 * joined, for a character may be spread over several tokens.
 */
export const byteLevelPiece: PieceStep = (piece) => String.fromCharCode(...bytesOfPiece(piece));

/** Reads a text of characters 0..255 as UTF-8. Bytes that are no UTF-8 become U+FFFD, one per maximal broken part. */
export const utf8Step: TextStep = {
  start() {
    let decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let pending = false;
    return {
      push(text) {
        const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
        const decoded = decoder.decode(bytes, { stream: true });
        if (bytes.length > 0) pending = endsInsideCharacter(bytes, pending);
        return decoded;
      },
      get pending() {
        return pending;
      },
      flush() {
        const rest = decoder.decode();
        decoder = new TextDecoder('utf-8', { ignoreBOM: true });
        pending = false;
        return rest;
      },
    };
  },
};

/** Whether a decoder that was given `bytes` (and was `inside` a character before) waits for more. */
function endsInsideCharacter(bytes: Uint8Array, inside: boolean): boolean {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return false;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2);
  }
  return inside && bytes.length < 4;
}
