import type { TokenPiece } from '../../../../engine/api/types.ts';
import { formatCount } from './numbers.ts';
import { formatTable } from './table.ts';

/** Formats a text's tokens, one per line, and their number. */
export function formatTokens(text: string, tokens: readonly TokenPiece[]): string {
  const unknown = tokens.filter((token) => token.unknown).length;
  const note = unknown === 0 ? '' : `, ${unknown} not in the vocabulary`;
  return `${formatTokenTable(text, tokens)}\n${formatCount(tokens.length, 'token')}${note}`;
}

/** @param text null when the tokens were given as ids */
export function formatTokenTable(text: string | null, tokens: readonly TokenPiece[]): string {
  return formatTable(
    [{ title: 'position', align: 'right' }, { title: 'id', align: 'right' }, { title: 'piece' }, { title: 'text' }],
    tokens.map(({ id, piece, range }, position) => [
      String(position),
      String(id),
      piece,
      text === null || range === null ? '' : JSON.stringify(text.slice(...range)),
    ]),
  );
}
