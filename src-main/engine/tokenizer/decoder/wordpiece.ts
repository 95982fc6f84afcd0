import type { JsonPart } from '../json-part.ts';
import { eachPiece, type PieceStep } from './decoder.ts';

/**
 * Hugging Face's clean-up of spaces, in its order. It applies to single pieces, so rules that span pieces (` do not`)
 * match only a piece that contains all of it.
 */
const CLEAN_UP: readonly (readonly [found: string, replacement: string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

export function cleanUp(text: string): string {
  return CLEAN_UP.reduce((current, [found, replacement]) => current.replaceAll(found, replacement), text);
}

/**
 * Pieces with the prefix continue the word; every other one except the first begins a new word. As at Hugging Face, the
 * first piece of a text is kept as it is; one that continues a text, such as a prompt, has a word before it.
 */
export function wordPieceDecoder(part: JsonPart): PieceStep {
  const prefix = part.get('prefix').string();
  const cleanup = part.get('cleanup').boolean();
  return eachPiece((piece, index, continues) => {
    const isInWord = piece.startsWith(prefix) && (continues || index > 0);
    const text = isInWord ? piece.slice(prefix.length) : index === 0 ? piece : ` ${piece}`;
    return cleanup ? cleanUp(text) : text;
  });
}
