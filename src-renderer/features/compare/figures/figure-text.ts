/** Figures of lanes as text. */
import { formatInteger, formatRate } from '../../../ui/format.ts';
import type { FigureName } from '../state/figures.ts';

/** What stands below a lane, with one label. */
export interface FigureInfo {
  readonly names: readonly FigureName[];
  /** After the numbers. */
  readonly label: string;
  /** What it is, in a sentence. */
  readonly title: string;
}

/** In the order of the screen. */
export const FIGURES: readonly FigureInfo[] = [
  { names: ['tokens'], label: 'tokens', title: 'Generated tokens' },
  { names: ['rate'], label: 'tok/s', title: 'Tokens per second of this lane, without the first token' },
  {
    names: ['perplexity'],
    label: 'perplexity',
    title: 'Perplexity of its own text under the unmodified model: the average number of equally likely next tokens',
  },
  { names: ['surprisal'], label: 'bits', title: 'Mean surprisal per token, in bits' },
  {
    names: ['distinct1', 'distinct2'],
    label: 'distinct-1, -2',
    title: 'Distinct tokens divided by all tokens, and distinct pairs by all pairs: 1 means no repetition',
  },
];

export function figureText(name: FigureName, value: number | null): string {
  if (value === null) return '–';
  switch (name) {
    case 'tokens':
      return Number.isInteger(value) ? formatInteger(value) : value.toFixed(1);
    case 'rate':
      return formatRate(value);
    case 'perplexity':
      return value < 99.95 ? value.toFixed(1) : formatInteger(value);
    case 'surprisal':
      return value.toFixed(1);
    case 'distinct1':
    case 'distinct2':
      return value.toFixed(2);
  }
}
