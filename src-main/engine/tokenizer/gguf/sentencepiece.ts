import type { AddedToken } from '../added-tokens.ts';
import { utf8Step } from '../decoder/byte-level.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { bytePiece } from '../model/spm.ts';
import type { Normalizer } from '../normalizer/normalizer.ts';
import type { PreTokenizer } from '../pre-tokenizer/pre-tokenizer.ts';

/** SentencePiece writes spaces as U+2581. */
const SPACE = '▁';

/** Spaces to U+2581, and one before each text when `addSpacePrefix`. */
export function sentencePieceNormalizer(addSpacePrefix: boolean): Normalizer {
  return {
    normalize(aligned) {
      const spaces = [...aligned.text.matchAll(/ /g)].map(({ index }) => ({
        range: [index, index + 1] as [number, number],
        text: SPACE,
      }));
      const prefix = addSpacePrefix && aligned.text !== '' ? [{ range: [0, 0] as [number, number], text: SPACE }] : [];
      return aligned.replace([...prefix, ...spaces]);
    },
  };
}

/** A text is not split before it is tokenised. */
export const WHOLE_TEXT: PreTokenizer = {
  split: (text) => (text === '' ? [] : [[0, text.length]]),
};

/**
 * Pieces to text: U+2581 to spaces, `<0x0A>` to bytes, added tokens as they stand; without the space that the
 * normalizer put first.
 */
export function sentencePieceDecoder(addSpacePrefix: boolean, addedTokens: readonly AddedToken[]): Decoder {
  const verbatim = new Set(addedTokens.map(({ content }) => content));
  const bytes = new Map(Array.from({ length: 256 }, (_, byte) => [bytePiece(byte), String.fromCharCode(byte)]));
  const encoder = new TextEncoder();
  /** A text of characters 0..255, one per byte of the text that the piece stands for. */
  const asBytes = (text: string) => String.fromCharCode(...encoder.encode(text));
  return {
    pieceSteps: [
      (piece, index) => {
        const byte = bytes.get(piece);
        if (byte !== undefined) return byte;
        if (verbatim.has(piece)) return asBytes(piece);
        const text = piece.replaceAll(SPACE, ' ');
        return asBytes(index === 0 && addSpacePrefix && text.startsWith(' ') ? text.slice(1) : text);
      },
    ],
    textSteps: [utf8Step],
    joinsBytes: true,
  };
}
