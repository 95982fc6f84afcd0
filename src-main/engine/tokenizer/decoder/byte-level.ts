import { bytesOfPiece } from '../byte-level/alphabet.ts';
import { Utf8Stream } from '../utf8.ts';
import { eachPiece, type TextStep } from './decoder.ts';

/**
 * The piece's bytes as a text of characters 0..255, one per byte; `utf8Step` makes text of them once all pieces are
 * joined, for a character may be spread over several tokens.
 */
export const byteLevelStep = eachPiece(bytesAsCharacters);

function bytesAsCharacters(piece: string): string {
  let characters = '';
  for (const byte of bytesOfPiece(piece)) characters += String.fromCharCode(byte);
  return characters;
}

/** Reads a text of characters 0..255 as UTF-8. Bytes that are no UTF-8 become U+FFFD, one per maximal broken part. */
export const utf8Step: TextStep = {
  start() {
    const stream = new Utf8Stream();
    return {
      push: (text) => stream.push(Uint8Array.from(text, (character) => character.charCodeAt(0))),
      get pending() {
        return stream.pending;
      },
      flush: () => stream.flush(),
    };
  },
};

/** What ByteLevel makes of a text that is one piece. */
export function decodeByteLevel(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOfPiece(text));
}
