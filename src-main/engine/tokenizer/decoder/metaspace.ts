import type { JsonPart } from '../json-part.ts';
import { metaspaceSettings } from '../pre-tokenizer/metaspace.ts';
import { eachPiece, type PieceStep } from './decoder.ts';

/** Turns the visible character back into a space. The first piece loses it if texts are given one. */
export function metaspaceDecoder(part: JsonPart): PieceStep {
  const { replacement, scheme } = metaspaceSettings(part);
  return eachPiece((piece, index, continues) =>
    piece.replaceAll(replacement, index === 0 && !continues && scheme !== 'never' ? '' : ' '),
  );
}

/** As `metaspaceDecoder`, for a text that is one piece. */
export function metaspaceOfText(part: JsonPart): { found: string; content: string } {
  const { replacement, scheme } = metaspaceSettings(part);
  return { found: replacement, content: scheme === 'never' ? ' ' : '' };
}
