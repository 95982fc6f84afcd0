import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import { formatInteger, formatPercent, withUnit } from '../../../ui/format.ts';
import type { Choice } from '../../../ui/types.ts';
import { BIT_STEPS, RANK_STEPS, SOLID_FROM } from './tint.ts';

export const COLOUR_CHOICES: readonly Choice<TokenColours['by']>[] = [
  { value: 'probability', label: 'Probability' },
  { value: 'surprisal', label: 'Surprisal' },
  { value: 'entropy', label: 'Entropy' },
  { value: 'rank', label: 'Rank' },
  { value: 'doubtful', label: 'Doubtful only' },
];

/** What the colours mean. */
export interface ColourLegend {
  scale: 'prob' | 'surp';
  /** Steps of the scale, in the order of the legend. */
  steps: readonly number[];
  /** At its ends. */
  from: string;
  to: string;
  /** In words. */
  description: string;
}

const upTo = (steps: number) => Array.from({ length: steps }, (_, step) => step);
const PROBABILITY_STEPS = 11;

export function legendOf({ by, doubtBelow }: TokenColours): ColourLegend {
  const lines = 'Dotted underline below 50\u00a0%, solid below 10\u00a0%.';
  const bits = `Dotted underline from ${withUnit('1', 'bit')}, solid from ${withUnit(String(SOLID_FROM.bits), 'bits')}.`;
  const ofBits = { scale: 'surp', steps: upTo(BIT_STEPS.length), from: '0', to: withUnit('12+', 'bits') } as const;
  switch (by) {
    case 'probability':
      return {
        scale: 'prob',
        steps: upTo(PROBABILITY_STEPS),
        from: 'unsure',
        to: 'sure',
        description: `The model’s own probability, before sampling. ${lines}`,
      };
    case 'doubtful':
      return {
        scale: 'prob',
        // The last step begins at 0.99, not at a tenth.
        steps: upTo(doubtBelow > 0.99 ? PROBABILITY_STEPS : Math.max(1, Math.ceil(10 * doubtBelow - 1e-9))),
        from: 'unsure',
        to: formatPercent(doubtBelow),
        description: `The model’s own probability, before sampling, of tokens below ${formatPercent(doubtBelow)}. ${lines}`,
      };
    case 'surprisal':
      return { ...ofBits, description: `Surprisal: how unlikely the token was, before sampling. ${bits}` };
    case 'entropy':
      return { ...ofBits, description: `Entropy: how unsure the model was of the token, before sampling. ${bits}` };
    case 'rank':
      return {
        scale: 'surp',
        steps: upTo(RANK_STEPS.length),
        from: '1st',
        to: `${formatInteger(RANK_STEPS[RANK_STEPS.length - 1])}+`,
        description: `Rank among all tokens by the model’s own probability. Dotted underline from rank 2, solid from rank ${SOLID_FROM.rank}.`,
      };
  }
}
