import { EngineError } from '../api/errors.ts';
import type { Op, OpOf } from '../program/ops.ts';
import { producerOf } from '../program/partial-program.ts';
import type { Program } from '../program/program.ts';
import { TAPS } from '../program/taps.ts';

/** Where a part of the residual stream comes from. */
export type PathSource =
  | { readonly part: 'embed' | 'position'; readonly tensor: number }
  | {
      readonly part: 'attention' | 'feed_forward';
      readonly layer: number;
      /** The matrix that writes to the residual stream. */
      readonly op: OpOf<'linear'>;
      readonly tensor: number;
    };

/** An operation between the sources and the logits. Linear if the scales of norms are held fixed. */
export type PathStep = OpOf<'add'> | OpOf<'scale'> | OpOf<'rmsNorm'> | OpOf<'layerNorm'>;

/**
 * The residual stream as a program has it: what is added up, scaled and normed on the way to the logits, without what
 * attention and feed-forward networks read of it.
 */
export interface DirectPath {
  readonly logits: OpOf<'logits'>;
  /** From the logits back to the sources. */
  readonly steps: readonly PathStep[];
  readonly sources: readonly PathSource[];
  /** Tensors whose values attribution needs. */
  readonly tensors: readonly number[];
}

/** Finds the direct path of any program. */
export function directPath(program: Program): DirectPath {
  const logits = program.ops.at(-1);
  if (logits?.op !== 'logits') throw new EngineError('INTERNAL', 'The program does not end with its logits.');
  const steps: PathStep[] = [];
  const sources: PathSource[] = [];
  const tensors = new Set<number>();
  const open = [logits.inputs[0]];
  for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
    const op = producerOf(program, tensor);
    switch (op.op) {
      case 'add':
      case 'scale':
        steps.push(op);
        open.push(...op.inputs);
        break;
      case 'rmsNorm':
      case 'layerNorm':
        steps.push(op);
        tensors.add(op.inputs[0]);
        open.push(...op.inputs);
        break;
      case 'embed':
        sources.push({ part: op.attributes.index === 'token' ? 'embed' : 'position', tensor });
        tensors.add(tensor);
        break;
      case 'linear':
        sources.push({ ...blockOf(program, op), op, tensor });
        tensors.add(tensor).add(op.inputs[0]);
        break;
      default:
        throw new EngineError('INTERNAL', `${op.op} is part of the residual stream, which attribution cannot follow.`);
    }
  }
  return { logits, steps, sources, tensors: [...tensors] };
}

/** Whether a matrix writes the heads of a layer, or its feed-forward network, to the residual stream. */
function blockOf(
  program: Program,
  { inputs: [input] }: OpOf<'linear'>,
): { part: 'attention' | 'feed_forward'; layer: number } {
  const attention = attentionBefore(program, input);
  if (attention) return { part: 'attention', layer: attention.attributes.layer };
  const { taps } = program.tensors[input];
  const layer = program.kvWidths.findIndex((_, index) => taps.includes(TAPS.feedForwardHidden(index)));
  if (layer < 0) throw new EngineError('INTERNAL', `Tensor ${input} belongs to no layer.`);
  return { part: 'feed_forward', layer };
}

/** The attention whose heads a tensor has, with some of them off or not; null if it has none. */
export function attentionBefore(program: Program, tensor: number): OpOf<'attention'> | null {
  let op: Op = producerOf(program, tensor);
  if (op.op === 'zeroHeads') op = producerOf(program, op.inputs[0]);
  return op.op === 'attention' ? op : null;
}
