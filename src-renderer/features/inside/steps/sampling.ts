import type { DrawSource } from '../../waterfall/draw-source.ts';
import { shownText, type Explained } from '../../waterfall/waterfall.svelte.ts';
import { visibleText } from '../../../lib/visible.ts';
import { formatPercent } from '../../../ui/format.ts';
import { barPicture } from '../picture/bar-picture.ts';
import { formatNumber, type Picture } from '../picture/picture.ts';

/** What is left after the chain, with what each stage did to a candidate. */
export function survivorsPicture({ draw, stages }: Explained): Picture {
  const rows = draw.rows.map((row) => ({ ...row, left: row.stages.at(-1)?.probability ?? 0 }));
  return barPicture({
    title: 'Probability after the chain',
    fileName: 'sampling',
    bars: rows.map(({ id, piece, logit, logprob, left, rank, stages: steps }) => ({
      label: visibleText(piece),
      value: left,
      shown: formatPercent(left),
      facts: {
        name: `${visibleText(piece)} (ID ${id}), rank ${rank}`,
        value: formatPercent(left),
        formula: [
          `logit ${formatNumber(logit)}, p = ${formatPercent(Math.exp(logprob))}`,
          ...stages.map(({ stage }, at) => {
            const step = steps[at];
            return `${stage}: ${step ? formatPercent(step.probability) : 'removed'}`;
          }),
        ].join(' → '),
      },
    })),
    table: {
      columns: ['rank', 'id', 'piece', 'logit', 'probability', ...stages.map(({ stage }) => `after ${stage}`)],
      rows: rows.length,
      row(index) {
        const { rank, id, piece, logit, logprob, stages: steps } = rows[index];
        const after = stages.map((_, at) => steps[at]?.probability ?? 'removed');
        return [rank, id, piece, logit, Math.exp(logprob), ...after];
      },
    },
  });
}

/** The token that a reply has where the draw gives another one, as shown; null if it gives the same. */
export function tokenInstead(
  explained: Explained,
  { source, index }: { source: DrawSource; index: number },
): string | null {
  const actual = source.token(index);
  return actual.id === explained.draw.id ? null : shownText(actual, explained);
}
