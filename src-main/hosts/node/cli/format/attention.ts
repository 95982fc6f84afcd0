import type { TokenPiece, TappedTensor } from '../../../../engine/api/types.ts';
import { shortened } from '../../../../protocol/cut-text.ts';
import { formatPercent } from './numbers.ts';
import { formatTable } from './table.ts';

/** Up to this many tokens, the whole matrix is shown. */
const MATRIX_TOKENS = 8;
const STRONGEST = 6;
const PIECE_WIDTH = 8;

/**
 * Formats attention weights of one layer by head.
 * @param weights `[heads, tokens, tokens]`: query attends to key
 * @param isCausal whether later tokens are masked
 */
export function formatAttention(weights: TappedTensor, tokens: readonly TokenPiece[], isCausal: boolean): string {
  const heads = Array.from({ length: weights.shape[0]! }, (_, head) => head);
  if (tokens.length > MATRIX_TOKENS) {
    const rows = heads.map((head) => [`Head ${head}`, strongest(weights, head, tokens)]);
    return `What the last token attends to most\n\n${formatTable([{ title: '' }, { title: '' }], rows)}`;
  }
  return heads.map((head) => matrix(weights, head, tokens, isCausal)).join('\n\n');
}

function weight(weights: TappedTensor, head: number, query: number, key: number): number {
  const tokens = weights.shape[1]!;
  return weights.values[(head * tokens + query) * tokens + key]!;
}

function matrix(weights: TappedTensor, head: number, tokens: readonly TokenPiece[], isCausal: boolean): string {
  return formatTable(
    [
      { title: `Head ${head}` },
      ...tokens.map(({ piece }) => ({ title: shortened(piece, PIECE_WIDTH), align: 'right' as const })),
    ],
    tokens.map(({ piece }, query) => [
      piece,
      ...tokens.map((_, key) => (isCausal && key > query ? '·' : weight(weights, head, query, key).toFixed(3))),
    ]),
  );
}

function strongest(weights: TappedTensor, head: number, tokens: readonly TokenPiece[]): string {
  const last = tokens.length - 1;
  return tokens
    .map(({ piece }, key) => ({ label: `${piece}@${key}`, value: weight(weights, head, last, key) }))
    .sort((a, b) => b.value - a.value)
    .slice(0, STRONGEST)
    .map(({ label, value }) => `${label} ${formatPercent(value)}`)
    .join(', ');
}
