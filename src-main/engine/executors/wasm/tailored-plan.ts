import type { RopeAttributes } from '../../program/ops.ts';
import { planMemory } from '../../program/memory-plan.ts';
import type { Program } from '../../program/program.ts';
import type { Batch, Outputs, TapTensor } from '../executor.ts';
import { fuse, type FusedOp } from '../fusion.ts';
import { EngineError } from '../../api/errors.ts';
import { type RopeTable, sameAngles } from './buffers.ts';
import { align, type KernelMemory } from './kernel-memory.ts';
import { OP_BYTES } from './plan-layout.ts';
import { writeAngles } from './run-inputs.ts';
import { lower, lowerLogits, type PlanMemory, type PlanOp, type PlanTaps, strideOf, writePlan } from './plan.ts';

/** A plan in kernel memory. */
interface WrittenPlan {
  readonly at: number;
  readonly ops: readonly PlanOp[];
}

/**
 * A plan for one run that taps tensors or runs a variant of the model's program. Nothing is fused across a tapped tensor,
 * and each is copied out before its buffer is reused. The results of the slices are joined.
 */
export class TailoredPlan {
  readonly tensors = new Map<string, TapTensor>();
  /** Activations with a tapped name. */
  private readonly activations: ReadonlySet<number>;
  private readonly layers: readonly { name: string; layer: number; heads: number }[];
  private readonly ops: readonly FusedOp[];
  private readonly wanted: ReadonlySet<string>;
  private readonly given: Outputs['given'];
  /** Angles that the model's own program does not have. */
  private readonly angles: readonly RopeAttributes[];
  private readonly slots: readonly number[];
  private readonly slotWidths: readonly number[];
  private readonly context: number;
  private places: PlanTaps = { activations: new Map(), attention: new Map() };

  constructor(
    private readonly program: Program,
    outputs: Outputs,
    private readonly batch: Batch,
    ropeTables: readonly RopeTable[],
  ) {
    const wanted = new Set(outputs.taps);
    this.wanted = wanted;
    this.given = outputs.given;
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
    this.angles = program.ops.flatMap((op) =>
      op.op === 'rope' && !ropeTables.some(({ attributes }) => sameAngles(attributes, op.attributes))
        ? [op.attributes]
        : [],
    );
  }

  /** Memory for a slice of `rows` rows: buffers, tensors and plans. */
  bytes(rows: number): number {
    let bytes = this.slotWidths.reduce((sum, width) => sum + align(rows * strideOf(width)), 0);
    for (const id of this.activations) bytes += align(4 * rows * this.program.tensors[id].width);
    for (const { heads } of this.layers) bytes += align(4 * heads * rows * this.context);
    for (const { frequencies } of this.angles) bytes += align(8 * rows * frequencies.length);
    // An operation becomes at most itself, its merge, its quantised input and a copy; the logits are a few more.
    const zeroed = this.ops.reduce((sum, op) => sum + (op.op === 'zeroHeads' ? op.attributes.heads.length : 0), 0);
    return bytes + OP_BYTES * (4 * this.ops.length + zeroed + 8);
  }

  /** Writes the slice's plans and all they need from address `at` on. */
  writePlans(
    memory: KernelMemory,
    buffers: PlanMemory,
    [from, to]: readonly [from: number, to: number],
    at: number,
  ): { main: WrittenPlan; logits: WrittenPlan } {
    const rows = to - from;
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
    const angles = this.angles.map((attributes) => {
      const table = take(8 * rows * attributes.frequencies.length);
      writeAngles(memory.f32, { attributes, at: table }, this.batch, from, to);
      return { attributes, at: table };
    });
    const own = {
      ...buffers,
      activations: this.slots.map((slot) => slotAddresses[slot]),
      ropeTable: (wanted: RopeAttributes) =>
        angles.find(({ attributes }) => attributes === wanted)?.at ?? buffers.ropeTable(wanted),
    };
    this.writeInputs(memory.f32, own.activations, from, to);
    const write = (plan: readonly PlanOp[]): WrittenPlan => {
      const place = take(plan.length * OP_BYTES);
      writePlan(plan, memory, place);
      return { at: place, ops: plan };
    };
    return {
      main: write(lower(this.program, this.ops, own, this.places)),
      // A part of a program may end before the logits.
      logits: write(this.program.ops.at(-1)?.op === 'logits' ? lowerLogits(this.program, own) : []),
    };
  }

  private writeInputs(f32: Float32Array, activations: readonly number[], from: number, to: number): void {
    for (const op of this.ops) {
      if (op.op !== 'input' || op.output === null) continue;
      const { name, width } = op.attributes;
      const rows = this.given?.get(name);
      if (rows?.length !== this.batch.tokens.length * width) {
        throw new EngineError('INTERNAL', `The run was not given ${name}, or not its ${width} values per row.`);
      }
      const stride = strideOf(width) / 4;
      const at = activations[op.output] / 4;
      for (let row = from; row < to; row++) {
        f32.set(rows.subarray(row * width, (row + 1) * width), at + (row - from) * stride);
      }
    }
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
