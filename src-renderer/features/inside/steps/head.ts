import type { LensAnswer, LogitsAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import { visibleText } from '../../../lib/visible.ts';
import { formatPercent } from '../../../ui/format.ts';
import { probabilityStep } from '../../chat/thread/tint.ts';
import { barPicture } from '../picture/bar-picture.ts';
import { formatNumber, subtracted, type Picture, type ColourScale } from '../picture/picture.ts';
import { wordPicture } from '../picture/word-picture.ts';

/** Logits that are listed. */
export const TOP_LOGITS = 16;

/** The tokens with the largest logits. */
export function logitsPicture({ logits, top }: LogitsAnswer, after: string): Picture {
  // p = e^(logit - normaliser)
  const normaliser = top[0] ? top[0].logit - top[0].logprob : 0;
  return barPicture({
    title: `Logits after ${after}`,
    fileName: 'logits',
    bars: top.map(({ id, piece, logit, logprob }) => ({
      label: visibleText(piece),
      value: logit,
      facts: {
        name: `${visibleText(piece)} (ID ${id})`,
        value: formatNumber(logit),
        formula: `p = e^(${formatNumber(logit)} − ${subtracted(normaliser)}) = ${formatPercent(Math.exp(logprob))}; ${formatNumber(normaliser)} = ln Σ e^logit over ${logits.length} tokens`,
      },
    })),
    table: {
      columns: ['id', 'piece', 'logit', 'probability'],
      rows: top.length,
      row: (index) => [top[index].id, top[index].piece, top[index].logit, Math.exp(top[index].logprob)],
    },
  });
}

/** As in the chat: ten tenths, and a last step from 0.99. */
const PROBABILITY_SCALE: ColourScale = {
  from: 'unsure',
  to: 'sure',
  tints: Array.from({ length: 11 }, (_, step) => `--prob-${step}`),
};

/** What each layer would predict, best first. */
export function lensPicture({ layers, norm }: LensAnswer, after: string): Picture {
  const ranks = layers[0]?.top.length ?? 0;
  const logits = norm ? 'head(norm(x))' : 'head(x)';
  return wordPicture({
    title: `Logit lens after ${after}`,
    fileName: 'logit-lens',
    rowLabels: layers.map(({ layer }) => `Layer ${layer + 1}`),
    columnLabels: Array.from({ length: ranks }, (_, rank) => `Rank ${rank + 1}`),
    scale: PROBABILITY_SCALE,
    word(row, column) {
      const { layer, top } = layers[row];
      const { id, piece, logit, logprob } = top[column];
      const probability = Math.exp(logprob);
      return {
        text: visibleText(piece),
        fill: `--prob-${probabilityStep(logprob)}`,
        facts: {
          name: `After layer ${layer + 1}, rank ${column + 1}: ${visibleText(piece)} (ID ${id})`,
          value: formatPercent(probability),
          formula: `softmax(${logits})[${id}], x: the residual stream after layer ${layer + 1}; logit ${formatNumber(logit)}`,
        },
      };
    },
    table: {
      columns: ['layer', 'rank', 'id', 'piece', 'logit', 'probability'],
      rows: layers.length * ranks,
      row(index) {
        const { layer, top } = layers[Math.floor(index / ranks)];
        const { id, piece, logit, logprob } = top[index % ranks];
        return [layer + 1, (index % ranks) + 1, id, piece, logit, Math.exp(logprob)];
      },
    },
  });
}
