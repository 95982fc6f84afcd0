import type { FeedForwardAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import { visibleText } from '../../../lib/visible.ts';
import { barPicture } from '../picture/bar-picture.ts';
import { formatNumber, type Picture } from '../picture/picture.ts';
import type { InsideToken } from './step-props.ts';
import { nameOf } from './token-window.ts';

type Neuron = FeedForwardAnswer['neurons'][number];

/** Neurons whose activation is not 0: all of them, unless the function cuts off. */
export function firingCount({ activations }: FeedForwardAnswer): number {
  return activations.reduce((count, activation) => (activation === 0 ? count : count + 1), 0);
}

/**
 * The neurons that fire most, without those that do not fire.
 * @param parts `chosen`: place of the one that is described
 */
export function neuronsPicture(
  answer: FeedForwardAnswer,
  parts: { tokens: readonly InsideToken[]; token: number; layer: number; chosen: number },
): Picture {
  const { neurons, activations } = answer;
  const { tokens, token, layer, chosen } = parts;
  // The strongest come first.
  const fired = neurons.filter(({ activation }) => activation !== 0);
  return barPicture({
    title: `Neurons of layer ${layer + 1} that fire most at ${nameOf(tokens, token)}`,
    fileName: `neurons-layer-${layer + 1}`,
    chosen,
    bars: fired.map(({ neuron, activation, promotes }) => ({
      label: `Neuron ${neuron}`,
      value: activation,
      facts: {
        name: `Neuron ${neuron} of ${activations.length}`,
        value: formatNumber(activation),
        formula: `${activationFormula(answer, neuron)} = ${formatNumber(activation)}; promotes ${promotes.map(({ piece }) => visibleText(piece)).join(', ')}`,
      },
    })),
    table: {
      columns: ['neuron', 'activation'],
      rows: activations.length,
      row: (index) => [index, activations[index]],
    },
  });
}

/** Most models multiply with a second product (gated feed-forward networks). */
function activationFormula(answer: FeedForwardAnswer, neuron: number): string {
  const name = answer.function;
  return answer.gated
    ? `a[${neuron}] = ${name}(W_gate x)[${neuron}] × (W_up x)[${neuron}]`
    : `a[${neuron}] = ${name}(W_in x)[${neuron}]`;
}

/** The tokens that one neuron promotes and suppresses most. */
export function effectsPicture({ neuron, activation, promotes, suppresses }: Neuron): Picture {
  const effects = [...promotes, ...suppresses.toReversed()];
  return barPicture({
    title: `What neuron ${neuron} adds to the logits`,
    fileName: `neuron-${neuron}`,
    bars: effects.map(({ id, piece, logit }) => ({
      label: visibleText(piece),
      value: logit,
      facts: {
        name: `${visibleText(piece)} (ID ${id})`,
        value: formatNumber(logit),
        formula: `w · D n(a W_out[${neuron}]) = ${formatNumber(logit)}, a = ${formatNumber(activation)}, w: row ${id} of the head, scales of norms held fixed`,
      },
    })),
    table: {
      columns: ['id', 'piece', 'logit'],
      rows: effects.length,
      row: (index) => [effects[index].id, effects[index].piece, effects[index].logit],
    },
  });
}
