import { bytesOfPiece } from '../byte-level/alphabet.ts';
import { Utf8Stream } from '../utf8.ts';
import { eachPiece, type TextStep } from './decoder.ts';

/**
 * The piece's bytes as characters 0..255. `utf8Step` decodes them after all pieces are joined, because a character may
 * span several tokens.
 */
export const byteLevelStep = eachPiece(bytesAsCharacters);

function bytesAsCharacters(piece: string): string {
  let characters = '';
  for (const byte of bytesOfPiece(piece)) characters += String.fromCharCode(byte);
  return characters;
}

/** Decodes a text of characters 0..255 as UTF-8. Invalid bytes become U+FFFD, one per maximal invalid part. */
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

/** As ByteLevel, for a text that is one piece. */
export function decodeByteLevel(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOfPiece(text));
}
