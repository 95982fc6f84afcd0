/** Interventions as changes to a program, so that every executor can run them. */
import type { Intervention } from '../api/inside-types.ts';
import { EngineError } from '../api/errors.ts';
import type { Op, OpAttributes } from './ops.ts';
import type { Activation, Program } from './program.ts';
import { TAPS } from './taps.ts';

/**
 * The program with interventions; without any, the same object. Replaced tokens change the batch, not the program
 * (`replaceTokens`). A run without the causal mask must contain the whole sequence in one batch.
 * @throws EngineError BAD_REQUEST with the range for a layer or head that the model does not have
 */
export function intervene(program: Program, interventions: readonly Intervention[]): Program {
  const changes = interventions.filter(({ kind }) => kind !== 'token');
  if (changes.length === 0) return program;
  for (const intervention of changes) checkIntervention(program, intervention);
  const rewriter = new Rewriter(program, changes);
  for (const op of program.ops) rewriter.add(op);
  return { ...program, ops: rewriter.ops, tensors: rewriter.tensors };
}

/**
 * The ids with their replacements.
 * @throws EngineError BAD_REQUEST for an index or id out of range
 */
export function replaceTokens(
  ids: readonly number[],
  interventions: readonly Intervention[],
  vocabularySize: number,
): number[] {
  const replaced = [...ids];
  for (const intervention of interventions) {
    if (intervention.kind !== 'token') continue;
    const { index, id } = intervention;
    if (index >= ids.length) throw outside(`token ${index}`, 'The prompt has', 'tokens', ids.length);
    if (id >= vocabularySize) throw outside(`token id ${id}`, 'The vocabulary has', 'ids', vocabularySize);
    replaced[index] = id;
  }
  return replaced;
}

/** Layers and heads of a program. */
export function headsOf(program: Program): number[] {
  return program.ops.flatMap((op) => (op.op === 'attention' ? [op.attributes.heads] : []));
}

function checkIntervention(program: Program, intervention: Intervention): void {
  if (!('layer' in intervention)) return;
  const heads = headsOf(program);
  const { layer } = intervention;
  if (layer >= heads.length) throw outside(`layer ${layer}`, 'The model has', 'layers', heads.length);
  if (intervention.kind !== 'head' || intervention.head < heads[layer]) return;
  throw outside(`head ${intervention.head} in layer ${layer}`, 'Each layer has', 'heads', heads[layer]);
}

function outside(what: string, has: string, units: string, count: number): EngineError {
  return new EngineError('BAD_REQUEST', `There is no ${what}. ${has} ${count} ${units}: 0 to ${count - 1}.`, {
    field: 'interventions',
    count,
  });
}

/** Copies a program, operation by operation. Changed tensors get a successor that the later operations read. */
class Rewriter {
  readonly ops: Op[] = [];
  readonly tensors: Activation[];
  /** By tensor of the program: the one that takes its place. */
  private readonly successors = new Map<number, number>();
  /** Heads off, by layer. */
  private readonly heads = new Map<number, number[]>();
  /** Taps of tensors that become 0. */
  private readonly zeroed = new Set<string>();
  private readonly positions: boolean;
  private readonly causal: boolean;

  constructor(program: Program, interventions: readonly Intervention[]) {
    this.tensors = [...program.tensors];
    for (const intervention of interventions) {
      if (intervention.kind === 'attention') this.zeroed.add(TAPS.attentionBlock(intervention.layer));
      if (intervention.kind === 'feed_forward') this.zeroed.add(TAPS.feedForwardBlock(intervention.layer));
      if (intervention.kind !== 'head') continue;
      const { layer, head } = intervention;
      this.heads.set(layer, [...new Set([...(this.heads.get(layer) ?? []), head])]);
    }
    this.positions = interventions.every(({ kind }) => kind !== 'positions');
    this.causal = interventions.every(({ kind }) => kind !== 'causal_mask');
    if (!this.positions) this.zeroed.add(TAPS.positionEmbedding);
  }

  add(op: Op): void {
    const changed = this.changed(op);
    const inputs = op.inputs.map((input) => this.successors.get(input) ?? input);
    this.ops.push({ ...changed, inputs } as Op);
    if (op.output === null) return;
    const heads = op.op === 'attention' ? this.heads.get(op.attributes.layer) : undefined;
    if (op.op === 'attention' && heads) this.append('zeroHeads', op.output, { headDim: op.attributes.headDim, heads });
    if (this.tensors[op.output].taps.some((tap) => this.zeroed.has(tap)))
      this.append('scale', op.output, { factor: 0 });
  }

  private changed(op: Op): Op {
    if (op.op === 'rope' && !this.positions) {
      // Angles of 0; the magnitude stays, because it does not depend on the position.
      return { ...op, attributes: { ...op.attributes, frequencies: op.attributes.frequencies.map(() => 0) } };
    }
    if (op.op === 'attention') return { ...op, attributes: { ...op.attributes, causal: this.causal } };
    return op;
  }

  /** Replaces a tensor by the result of an operation on it, which takes over its taps. */
  private append<N extends 'scale' | 'zeroHeads'>(op: N, tensor: number, attributes: OpAttributes[N]): void {
    const { width, taps } = this.tensors[tensor];
    this.tensors[tensor] = { width, taps: [] };
    const output = this.tensors.push({ width, taps }) - 1;
    this.successors.set(tensor, output);
    // The compiler cannot see that each name comes with its attributes.
    this.ops.push({ op, inputs: [tensor], weights: [], attributes, output } as unknown as Op);
  }
}
