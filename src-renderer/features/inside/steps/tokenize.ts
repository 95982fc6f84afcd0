import { visibleText } from '../../../lib/visible.ts';
import type { Picture } from '../picture/picture.ts';
import { tilePicture } from '../picture/tile-picture.ts';
import type { InsideToken } from './step-props.ts';
import { nameOf, type TokenRange } from './token-window.ts';

/** The pieces of a text and their ids. @param range the tokens that are shown */
export function piecesPicture(tokens: readonly InsideToken[], { from, to }: TokenRange): Picture {
  return tilePicture({
    title: 'Pieces and IDs',
    fileName: 'tokens',
    origin: { column: from },
    tiles: tokens.slice(from, to).map((token, at) => ({
      text: visibleText(token.piece),
      note: String(token.id),
      facts: { name: nameOf(tokens, from + at), value: `ID ${token.id}`, formula: foundBy(token) },
    })),
    table: {
      columns: ['token', 'piece', 'id', 'bytes', 'found by'],
      rows: tokens.length,
      row(index) {
        const token = tokens[index];
        return [index, token.piece, token.id, hexBytes(token.bytes), foundBy(token)];
      },
    },
  });
}

/** How a token was found, on one line. */
export function foundBy({ special, unknown, merges, attempts, piece, bytes }: InsideToken): string {
  if (unknown) return 'stands for text that the vocabulary cannot spell';
  if (special) return 'special token, added or parsed';
  if (attempts.length > 1) return `${attempts.slice(0, -1).join(', ')} not in the vocabulary; ${attempts.at(-1)} is`;
  if (attempts.length === 1) return `${attempts[0]} is in the vocabulary`;
  const last = merges.at(-1);
  if (last) return `${visibleText(last.left)} + ${visibleText(last.right)}, merge ${last.rank}`;
  return bytes.length === 1 ? 'a single byte, no merge' : `${visibleText(piece)} without a merge`;
}

export function hexBytes(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
