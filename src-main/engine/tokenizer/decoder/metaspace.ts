import type { JsonPart } from '../json-part.ts';
import { metaspaceSettings } from '../pre-tokenizer/metaspace.ts';
import { eachPiece, type PieceStep } from './decoder.ts';

/** The visible character to a space again; the first piece loses it altogether where texts are given one. */
export function metaspaceDecoder(part: JsonPart): PieceStep {
  const { replacement, scheme } = metaspaceSettings(part);
  return eachPiece((piece, index, continues) =>
    piece.replaceAll(replacement, index === 0 && !continues && scheme !== 'never' ? '' : ' '),
  );
}

/** Replaces in one that stands alone. */
export function metaspaceOfText(part: JsonPart): { found: string; content: string } {
  const { replacement, scheme } = metaspaceSettings(part);
  return { found: replacement, content: scheme === 'never' ? ' ' : '' };
}
