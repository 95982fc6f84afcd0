/** SampleFigures of lanes as text. */
import { formatInteger, formatRate } from '../../../ui/format.ts';
import type { FigureName } from '../state/figures.ts';

export interface FigureInfo {
  readonly name: FigureName;
  /** After the number. */
  readonly label: string;
  /** What it is, in a sentence. */
  readonly title: string;
}

/** In the order of the screen. */
export const FIGURES: readonly FigureInfo[] = [
  { name: 'tokens', label: 'tokens', title: 'Generated tokens' },
  { name: 'rate', label: 'tok/s', title: 'Tokens per second of this lane, without the first token' },
  {
    name: 'perplexity',
    label: 'perplexity',
    title: 'Of its own text under the unmodified model: between how many tokens it hesitated on average',
  },
  { name: 'surprisal', label: 'bits', title: 'Mean surprisal per token, in bits' },
  { name: 'distinct1', label: 'distinct-1', title: 'Distinct tokens divided by all tokens: 1 means no repetition' },
  { name: 'distinct2', label: 'distinct-2', title: 'Distinct pairs of tokens divided by all pairs' },
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
