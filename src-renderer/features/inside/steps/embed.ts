import type { EmbeddingAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import { visibleText } from '../../../lib/visible.ts';
import { barPicture } from '../picture/bar-picture.ts';
import { formatNumber, type Picture } from '../picture/picture.ts';
import type { InsideToken } from './step-props.ts';
import { nameOf, type TokenRange } from './token-window.ts';
import { dot, vectorPicture } from './vectors.ts';

/** Rows of the token table. @param range the tokens of the answer */
export function rowsPicture(
  { rows, hidden }: EmbeddingAnswer,
  tokens: readonly InsideToken[],
  range: TokenRange,
): Picture {
  return vectorPicture({
    ...{ title: 'Rows of the token table', fileName: 'embedding', tokens, range, width: hidden },
    values: rows,
    formula: (token, dimension, value) => `table[${tokens[token].id}, ${dimension}] = ${formatNumber(value)}`,
  });
}

/** The vocabulary's tokens with the most similar rows. @param answer with the row of that token only */
export function neighboursPicture(answer: EmbeddingAnswer, tokens: readonly InsideToken[], token: number): Picture {
  const { neighbours, rows, hidden } = answer;
  const own = visibleText(tokens[token].piece);
  const length = Math.sqrt(dot(rows, 0, rows, 0, hidden));
  return barPicture({
    title: `Nearest to ${nameOf(tokens, token)}, cosine`,
    fileName: 'neighbours',
    bars: neighbours.map(({ id, piece, cosine }) => ({
      label: visibleText(piece),
      value: cosine,
      facts: {
        name: `${visibleText(piece)} (ID ${id})`,
        value: formatNumber(cosine),
        formula: `cos = a·b / (|a| |b|) = ${formatNumber(cosine)}, a: row of ${own}, |a| = ${formatNumber(length)}, b: row of ${visibleText(piece)}`,
      },
    })),
    table: {
      columns: ['id', 'piece', 'cosine'],
      rows: neighbours.length,
      row: (index) => [neighbours[index].id, neighbours[index].piece, neighbours[index].cosine],
    },
  });
}
