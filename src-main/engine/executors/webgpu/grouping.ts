/**
 * Joins operations into fewer dispatches, which bound the speed of small models: norms with the products that read them;
 * q, k and v; gate and up; what is done with q and k before attention; and a norm with the addition after it.
 */
import type { AttentionAttributes, OpOf } from '../../program/ops.ts';
import type { Activation, Program } from '../../program/program.ts';
import type { WeightView } from '../../program/weights.ts';
import type { FusedOp } from '../fusion.ts';

export type FusedLinear = FusedOp & OpOf<'linear'>;
type NormOp = OpOf<'rmsNorm'> | OpOf<'layerNorm'>;

/** One operation of the fused program. */
export interface SingleOp {
  readonly kind: 'single';
  readonly op: Exclude<FusedOp, { op: 'linear' | 'logits' }>;
  /** Those of the operation; for a norm, the tensor that it is added to may follow. */
  readonly inputs: readonly number[];
  readonly output: number | null;
}

/** Matrix products of one tensor, of its normalised rows if there is a norm. */
export interface ProjectionOp {
  readonly kind: 'projection';
  readonly norm: NormOp | null;
  /** One product, several whose outputs are written side by side, or a gate and what it multiplies. */
  readonly parts: readonly (FusedOp & (OpOf<'linear'> | OpOf<'logits'>))[];
  readonly gated: boolean;
  /** The tensor, and the operand of an only product. */
  readonly inputs: readonly number[];
  readonly output: number | null;
}

/** From the outputs of q, k and v to the queries and the cells of the cache. */
export interface HeadsOp {
  readonly kind: 'heads';
  readonly attention: AttentionAttributes;
  readonly norms: { readonly q: OpOf<'rmsNorm'> | null; readonly k: OpOf<'rmsNorm'> | null };
  /** The same for q and k. */
  readonly rope: OpOf<'rope'> | null;
  /** q, k and v side by side. */
  readonly inputs: readonly number[];
  readonly output: number;
}

export type GpuOp = SingleOp | ProjectionOp | HeadsOp;

export interface GroupedOps {
  readonly ops: readonly GpuOp[];
  /** Those of the program, then the outputs of q, k and v side by side. */
  readonly tensors: readonly Pick<Activation, 'width'>[];
  /** Results of attentions that only one product reads, unchanged. */
  readonly mergeable: ReadonlySet<number>;
}

/** A linear operation and what follows it. */
interface Chain {
  readonly linear: FusedLinear;
  readonly norm: OpOf<'rmsNorm'> | null;
  readonly rope: OpOf<'rope'> | null;
  readonly ops: readonly FusedOp[];
}

/** q, k and v of one attention, up to the cache. */
interface AttentionInputs {
  readonly attention: OpOf<'attention'>;
  readonly chains: readonly [q: Chain, k: Chain, v: Chain];
  /** All operations that are replaced; the last is the cache's. */
  readonly ops: readonly FusedOp[];
}

/**
 * @param kept tensors that are tapped, and so must be computed
 * @param areJoined whether the rows of these weights follow each other in one buffer
 */
export function group(
  program: Program,
  fused: readonly FusedOp[],
  kept: ReadonlySet<number>,
  areJoined: (views: readonly WeightView[]) => boolean,
): GroupedOps {
  return new Grouping(program, fused, kept, areJoined).run();
}

class Grouping {
  private readonly tensors: Pick<Activation, 'width'>[];
  private readonly readers = new Map<number, FusedOp[]>();
  private readonly makers = new Map<number, FusedOp>();
  /** Operations that are part of another's dispatch. */
  private readonly replaced = new Set<FusedOp>();

  constructor(
    program: Program,
    private readonly fused: readonly FusedOp[],
    private readonly kept: ReadonlySet<number>,
    private readonly areJoined: (views: readonly WeightView[]) => boolean,
  ) {
    this.tensors = [...program.tensors];
    for (const op of fused) {
      for (const input of op.inputs) this.readers.set(input, [...(this.readers.get(input) ?? []), op]);
      if (op.output !== null) this.makers.set(op.output, op);
    }
  }

  run(): GroupedOps {
    const atCacheWrite = new Map<FusedOp, readonly GpuOp[]>();
    for (const op of this.fused) {
      if (op.op !== 'attention') continue;
      const found = this.attentionInputs(op);
      if (found) atCacheWrite.set(found.ops.at(-1)!, this.headsOf(found));
    }
    const additions = this.foldAdditions();
    const gates = this.fused.flatMap((op, at) => this.gatedPair(op, this.fused.at(at + 1)) ?? []);
    const projections = new Map(gates.map((gated) => [gated.parts[1], gated] as const));
    for (const op of this.fused) {
      if ((op.op !== 'linear' && op.op !== 'logits') || this.replaced.has(op)) continue;
      projections.set(op, projections.get(op) ?? this.projection([op], false, op.inputs, op.output));
    }
    const ops = this.fused.flatMap((op): readonly GpuOp[] => {
      const joined = atCacheWrite.get(op);
      if (joined) return joined;
      if (this.replaced.has(op)) return [];
      if (op.op === 'linear' || op.op === 'logits') return [projections.get(op)!];
      return [additions.get(op) ?? { kind: 'single', op, inputs: op.inputs, output: op.output }];
    });
    return { ops, tensors: this.tensors, mergeable: this.mergeable(ops) };
  }

  private mergeable(ops: readonly GpuOp[]): ReadonlySet<number> {
    const results = ops.flatMap((op) => (op.kind === 'single' && op.op.op === 'attention' ? op.output! : []));
    return new Set(
      results.filter((tensor) => {
        const [reader, ...others] = ops.filter(({ inputs }) => inputs.includes(tensor));
        if (this.kept.has(tensor) || others.length > 0 || reader?.kind !== 'projection') return false;
        // Until it is read, no other attention may overwrite it.
        if (ops[ops.indexOf(reader) - 1].output !== tensor) return false;
        return (
          !reader.norm && reader.parts.length === 1 && reader.parts[0].op === 'linear' && reader.inputs[1] !== tensor
        );
      }),
    );
  }

  /** Whether only one operation reads the tensor, so that it need not exist. */
  private isInner(tensor: number): boolean {
    return !this.kept.has(tensor) && this.readers.get(tensor)?.length === 1;
  }

  private attentionInputs(attention: FusedOp & OpOf<'attention'>): AttentionInputs | null {
    const { layer } = attention.attributes;
    const write = this.fused.find(
      (op): op is FusedOp & OpOf<'cacheWrite'> => op.op === 'cacheWrite' && op.attributes.layer === layer,
    );
    if (!write || ![...write.inputs].every((tensor) => this.isInner(tensor))) return null;
    const [q, k, v] = [attention.inputs[0], ...write.inputs].map((tensor) => this.chain(tensor));
    if (!q || !k || !v || this.readers.get(attention.inputs[0])?.length !== 1) return null;
    const linears = [q, k, v].map(({ linear }) => linear);
    const { headDim } = attention.attributes;
    const norms = [q.norm, k.norm].flatMap((norm) => norm ?? []);
    const fits =
      linears.every(({ inputs }) => inputs[0] === linears[0].inputs[0]) &&
      this.mayJoin(linears) &&
      !v.norm &&
      !v.rope &&
      norms.every(({ weights }) => weights[0].shape[0] % headDim === 0) &&
      sameRotation(q.rope, k.rope, headDim);
    return fits ? { attention, chains: [q, k, v], ops: [...q.ops, ...k.ops, ...v.ops, write] } : null;
  }

  /** The operations from a plain linear one to `tensor`; null if there are others. */
  private chain(tensor: number): Chain | null {
    let at = tensor;
    const ops: FusedOp[] = [];
    const take = <N extends 'rope' | 'rmsNorm'>(name: N): (FusedOp & OpOf<N>) | null => {
      const op = this.makers.get(at);
      if (op?.op !== name || !this.isInner(op.inputs[0])) return null;
      ops.unshift(op);
      at = op.inputs[0];
      return op as FusedOp & OpOf<N>;
    };
    const rope = take('rope');
    const norm = take('rmsNorm');
    const linear = this.makers.get(at);
    if (linear?.op !== 'linear' || linear.epilogue?.activation || linear.epilogue?.operand) return null;
    return { linear, norm, rope, ops: [linear, ...ops] };
  }

  private headsOf({ attention, chains: [q, k, v], ops }: AttentionInputs): readonly GpuOp[] {
    for (const op of ops) this.replaced.add(op);
    const parts = [q.linear, k.linear, v.linear];
    const width = parts.reduce((sum, { weights }) => sum + weights[0].shape[0], 0);
    const joint = this.tensors.push({ width }) - 1;
    const heads: HeadsOp = {
      kind: 'heads',
      attention: attention.attributes,
      norms: { q: q.norm, k: k.norm },
      rope: q.rope,
      inputs: [joint],
      output: attention.inputs[0],
    };
    return [this.projection(parts, false, [parts[0].inputs[0]], joint), heads];
  }

  private gatedPair(gate: FusedOp, up: FusedOp | undefined): ProjectionOp | null {
    if (gate.op !== 'linear' || !gate.pairedWithNext || up?.op !== 'linear') return null;
    if (gate.epilogue?.operand || up.epilogue?.activation || up.epilogue?.operand !== 'mul') return null;
    if (!this.mayJoin([gate, up])) return null;
    this.replaced.add(gate);
    return this.projection([gate, up], true, [gate.inputs[0]], up.output);
  }

  private mayJoin(linears: readonly FusedLinear[]): boolean {
    const biases = linears.flatMap(({ weights }) => weights.slice(1));
    if (biases.length > 0 && biases.length < linears.length) return false;
    return this.areJoined(linears.map(({ weights }) => weights[0])) && (biases.length === 0 || this.areJoined(biases));
  }

  /** Takes in the norm of the products' input if nothing else reads it. */
  private projection(
    parts: ProjectionOp['parts'],
    gated: boolean,
    inputs: readonly number[],
    output: number | null,
  ): ProjectionOp {
    const [tensor, ...operands] = inputs;
    const maker = this.makers.get(tensor);
    const isNorm = maker?.op === 'rmsNorm' || maker?.op === 'layerNorm';
    const isOwn = !this.kept.has(tensor) && this.readers.get(tensor)?.every((op) => parts.some((part) => part === op));
    const plain = { kind: 'projection', norm: null, parts, gated, inputs, output } as const;
    // Norms of parts of rows have one gain for all.
    if (!isNorm || !isOwn || maker.weights[0].shape[0] !== parts[0].weights[0].shape[1]) return plain;
    this.replaced.add(maker);
    return { ...plain, norm: maker, inputs: [maker.inputs[0], ...operands] };
  }

  /** Norms whose result is only added to a tensor that exists before. */
  private foldAdditions(): ReadonlyMap<FusedOp, SingleOp> {
    const found = new Map<FusedOp, SingleOp>();
    this.fused.forEach((op, at) => {
      if (op.op !== 'rmsNorm' || op.output === null || !this.isInner(op.output)) return;
      const [sum] = this.readers.get(op.output)!;
      if (sum.op !== 'add') return;
      const other = sum.inputs.find((input) => input !== op.output);
      const maker = other === undefined ? undefined : this.makers.get(other);
      if (other === undefined || !maker || this.fused.indexOf(maker) > at) return;
      this.replaced.add(sum);
      found.set(op, { kind: 'single', op, inputs: [op.inputs[0], other], output: sum.output });
    });
    return found;
  }
}

/** Attentions whose result a product can merge, by its tensor. */
export function slicedAttentions({ ops, mergeable }: GroupedOps): ReadonlyMap<number, AttentionAttributes> {
  return new Map(
    ops.flatMap((op) => {
      if (op.kind !== 'single' || op.op.op !== 'attention' || op.output === null) return [];
      return mergeable.has(op.output) ? [[op.output, op.op.attributes] as const] : [];
    }),
  );
}

function sameRotation(q: OpOf<'rope'> | null, k: OpOf<'rope'> | null, headDim: number): boolean {
  if (q === null || k === null) return q === k;
  const [a, b] = [q.attributes, k.attributes];
  return (
    a.headDim === headDim &&
    b.headDim === headDim &&
    a.pairing === b.pairing &&
    a.magnitude === b.magnitude &&
    a.frequencies.length === b.frequencies.length &&
    a.frequencies.every((frequency, i) => frequency === b.frequencies[i])
  );
}

/** Names of different weights that `group` would join, in the order of their rows. Each is in at most one list. */
export function joinedTensors({ ops }: GroupedOps): (readonly string[])[] {
  const taken = new Set<string>();
  return ops.flatMap((op) => {
    if (op.kind !== 'projection' || op.parts.length === 1) return [];
    const lists = op.parts[0].weights.map((_, i) => op.parts.map(({ weights }) => weights[i].name));
    return lists.filter((names) => {
      const isNew = new Set(names).size === names.length && names.every((name) => !taken.has(name));
      if (isNew) for (const name of names) taken.add(name);
      return isNew;
    });
  });
}
