import type { Score } from '../../../../engine/api/types.ts';
import type { Pieces } from '../pieces.ts';
import { formatCount, formatInteger, formatPercent } from './numbers.ts';
import { formatTable } from './table.ts';

/** Formats the probability of each token of a text, and the model's top choice. */
export function formatScore({ ids, logprobs, ranks, top, perplexity }: Score, pieces: Pieces): string {
  const rows = ids.map((id, i) => {
    const best = top[i - 1]?.[0];
    return [
      pieces.get(id) ?? '',
      i === 0 ? '' : logprobs[i - 1]!.toFixed(3),
      i === 0 ? '' : formatPercent(Math.exp(logprobs[i - 1]!)),
      i === 0 ? '' : formatInteger(ranks[i - 1]!),
      best === undefined ? '' : `${pieces.get(best[0]) ?? ''} ${formatPercent(Math.exp(best[1]))}`,
    ];
  });
  const table = formatTable(
    [
      { title: 'token' },
      { title: 'logprob', align: 'right' },
      { title: 'probability', align: 'right' },
      { title: 'rank', align: 'right' },
      { title: 'most probable' },
    ],
    rows,
  );
  const summary = perplexity === null ? 'too short for perplexity' : `perplexity ${perplexity.toFixed(2)}`;
  return `${table}\n${formatCount(ids.length, 'token')}, ${summary}`;
}
