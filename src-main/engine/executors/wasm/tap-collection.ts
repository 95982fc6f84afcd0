import { planMemory } from '../../program/memory-plan.ts';
import type { Program } from '../../program/program.ts';
import type { Batch, TapTensor } from '../executor.ts';
import { fuse, type FusedOp } from './fusion.ts';
import { align, type KernelMemory } from './kernel-memory.ts';
import { OP_BYTES } from './plan-layout.ts';
import { lower, lowerLogits, type PlanMemory, type PlanOp, type PlanTaps, strideOf, writePlan } from './plan.ts';

/** A plan in kernel memory. */
interface WrittenPlan {
  readonly at: number;
  readonly ops: readonly PlanOp[];
}

/**
 * The tapped tensors of one run. Its plan is made for this run: nothing is fused across a tapped tensor, and each is
 * copied out before its buffer is reused. The results of the slices are joined.
 */
export class TapCollection {
  readonly tensors = new Map<string, TapTensor>();
  /** Activations with a tapped name. */
  private readonly activations: ReadonlySet<number>;
  private readonly layers: readonly { name: string; layer: number; heads: number }[];
  private readonly ops: readonly FusedOp[];
  private readonly slots: readonly number[];
  private readonly slotWidths: readonly number[];
  private readonly context: number;
  private places: PlanTaps = { activations: new Map(), attention: new Map() };

  constructor(
    private readonly program: Program,
    private readonly wanted: ReadonlySet<string>,
    private readonly batch: Batch,
  ) {
    const rows = batch.tokens.length;
    this.context = Math.max(...batch.contexts.map(({ cells }) => cells.length));
    const named = program.tensors.flatMap(({ taps }, id) => (taps.some((tap) => wanted.has(tap)) ? [id] : []));
    this.activations = new Set(named);
    this.layers = program.ops.flatMap((op) => {
      if (op.op !== 'attention' || op.attributes.weightsTap === null || !wanted.has(op.attributes.weightsTap))
        return [];
      return [{ name: op.attributes.weightsTap, layer: op.attributes.layer, heads: op.attributes.heads }];
    });
    this.ops = fuse(program, this.activations);
    const plan = planMemory({ ...program, ops: this.ops }, { cells: 0, rows: 0 });
    this.slots = plan.slots;
    this.slotWidths = plan.slotWidths;
    for (const id of named) {
      const { width, taps } = program.tensors[id];
      for (const name of taps) if (wanted.has(name)) this.add(name, [rows, width]);
    }
    for (const { name, heads } of this.layers) this.add(name, [heads, rows, this.context]);
  }

  /** Memory for a slice of `rows` rows: buffers, tensors and plans. */
  bytes(rows: number): number {
    let bytes = this.slotWidths.reduce((sum, width) => sum + align(rows * strideOf(width)), 0);
    for (const id of this.activations) bytes += align(4 * rows * this.program.tensors[id].width);
    for (const { heads } of this.layers) bytes += align(4 * heads * rows * this.context);
    // An operation becomes at most itself, its merge, its quantised input and a copy; the logits are a few more.
    return bytes + OP_BYTES * (4 * this.ops.length + 8);
  }

  /** Writes the slice's plans and all they need from address `at` on. */
  writePlans(
    memory: KernelMemory,
    buffers: PlanMemory,
    rows: number,
    at: number,
  ): { main: WrittenPlan; logits: WrittenPlan } {
    const take = (bytes: number) => {
      const taken = at;
      at += align(bytes);
      return taken;
    };
    const slotAddresses = this.slotWidths.map((width) => take(rows * strideOf(width)));
    const activations = new Map<number, number>();
    const attention = new Map<number, number>();
    for (const id of this.activations) activations.set(id, take(4 * rows * this.program.tensors[id].width));
    for (const { layer, heads } of this.layers) {
      const bytes = 4 * heads * rows * this.context;
      const place = take(bytes);
      // Rows attend to different lengths of the context; beyond that the weight is 0.
      memory.u8.fill(0, place, place + bytes);
      attention.set(layer, place);
    }
    this.places = { activations, attention };
    const own = { ...buffers, activations: this.slots.map((slot) => slotAddresses[slot]) };
    const write = (plan: readonly PlanOp[]): WrittenPlan => {
      const place = take(plan.length * OP_BYTES);
      writePlan(plan, memory, place);
      return { at: place, ops: plan };
    };
    return {
      main: write(lower(this.program, this.ops, own, this.places)),
      logits: write(lowerLogits(this.program, own)),
    };
  }

  /** Copies the slice's tensors, rows `from` to `to` of the batch, out of kernel memory. */
  collect(memory: Float32Array, from: number, to: number): void {
    const rows = to - from;
    for (const [id, at] of this.places.activations) {
      const { width, taps } = this.program.tensors[id];
      const values = memory.subarray(at / 4, at / 4 + rows * width);
      for (const name of taps) if (this.wanted.has(name)) this.tensors.get(name)!.data.set(values, from * width);
    }
    for (const { name, layer, heads } of this.layers) {
      const at = this.places.attention.get(layer)! / 4;
      const size = rows * this.context;
      for (let head = 0; head < heads; head++) {
        const values = memory.subarray(at + head * size, at + (head + 1) * size);
        this.tensors.get(name)!.data.set(values, (head * this.batch.tokens.length + from) * this.context);
      }
    }
  }

  private add(name: string, shape: readonly number[]): void {
    this.tensors.set(name, { shape, data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)) });
  }
}
