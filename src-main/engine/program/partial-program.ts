/** Parts and variants of a program, for runs that look inside a model. They read the same weights. */
import { EngineError } from '../api/errors.ts';
import type { Op } from './ops.ts';
import type { Program } from './program.ts';
import type { WeightView } from './weights.ts';

/** Name of a tensor of the program, as tap and as input. */
export function tensorName(tensor: number): string {
  return `tensor.${tensor}`;
}

/** Index of the tensor with this tap; undefined if the model has none. */
export function tappedTensor(program: Program, tap: string): number | undefined {
  const found = program.tensors.findIndex(({ taps }) => taps.includes(tap));
  return found < 0 ? undefined : found;
}

/** The program with taps on these tensors (`tensorName`), in addition to its own. */
export function tapTensors(program: Program, tensors: readonly number[]): Program {
  const added = new Set(tensors);
  return {
    ...program,
    tensors: program.tensors.map((tensor, id) =>
      added.has(id) ? { ...tensor, taps: [...tensor.taps, tensorName(id)] } : tensor,
    ),
    taps: new Set([...program.taps, ...tensors.map(tensorName)]),
  };
}

export interface PartOfProgram {
  /** Tensors that the run is given (`tensorName`) instead of computing them. */
  readonly given: readonly number[];
  /** Tensors that it returns (`tensorName`). */
  readonly wanted: readonly number[];
  /** Layers whose attention weights it returns, under the program's own names. */
  readonly attention?: readonly number[];
  /** Whether it computes logits; `raw` without their soft-cap. */
  readonly logits?: 'raw' | 'capped';
}

/** The operations that compute the wanted tensors from the given ones. */
export function partialProgram(program: Program, part: PartOfProgram): Program {
  const given = new Set(part.given);
  const needed = new Set(part.wanted);
  const layers = new Set(part.attention);
  const kept: Op[] = [];
  for (const op of program.ops.toReversed()) {
    const isNeeded =
      (op.output !== null && needed.has(op.output) && !given.has(op.output)) ||
      (op.op === 'attention' && part.attention?.includes(op.attributes.layer)) ||
      (op.op === 'cacheWrite' && layers.has(op.attributes.layer)) ||
      (op.op === 'logits' && part.logits !== undefined);
    if (!isNeeded) continue;
    for (const input of op.inputs) needed.add(input);
    if (op.op === 'attention') layers.add(op.attributes.layer);
    const isRaw = op.op === 'logits' && part.logits === 'raw';
    kept.push(isRaw ? { ...op, attributes: { ...op.attributes, softcap: null } } : op);
  }
  const inputs = part.given
    .filter((tensor) => needed.has(tensor))
    .map((tensor): Op => {
      const { width } = program.tensors[tensor];
      const attributes = { name: tensorName(tensor), width };
      return { op: 'input', inputs: [], weights: [], attributes, output: tensor };
    });
  const tapped = tapTensors(program, part.wanted);
  return { ...tapped, ops: [...inputs, ...kept.toReversed()] };
}

/** Returns rows of a matrix (tap `rows`), as the executor stores it: those with the ids of the batch. */
export function rowsProgram(program: Program, matrix: WeightView): Program {
  const [rows, width] = matrix.shape;
  return {
    ...program,
    ops: [{ op: 'embed', inputs: [], weights: [matrix], attributes: { index: 'token' }, output: 0 }],
    tensors: [{ width, taps: ['rows'] }],
    taps: new Set(['rows']),
    vocabularySize: rows,
    maxPositions: null,
  };
}

/** Layers whose K and V a program reads or writes. */
export function layersOf({ ops }: Pick<Program, 'ops'>): Set<number> {
  return new Set(ops.flatMap((op) => (op.op === 'attention' || op.op === 'cacheWrite' ? [op.attributes.layer] : [])));
}

/** The operation that computes a tensor. */
export function producerOf(program: Program, tensor: number): Op {
  const found = program.ops.find(({ output }) => output === tensor);
  if (!found) throw new EngineError('INTERNAL', `Nothing computes tensor ${tensor}.`);
  return found;
}
