import type { RopeAttributes } from '../../program/ops.ts';
import { planMemory } from '../../program/memory-plan.ts';
import type { Program } from '../../program/program.ts';
import type { Batch, Outputs, TapTensor } from '../executor.ts';
import { fuse, type FusedOp } from '../fusion.ts';
import { EngineError } from '../../api/errors.ts';
import { type RopeTable, sameAngles } from './buffers.ts';
import { align } from './kernel-memory.ts';
import type { KernelPart, StoredStage } from './parts.ts';
import type { Placement } from './placement.ts';
import { OP_BYTES } from './plan-layout.ts';
import { writeAngles } from './run-inputs.ts';
import { type PlanMemory, type PlanTaps, strideOf, writePlan } from './plan.ts';
import { type LoweredStage, lowerStages, type MemoryStage, stagesOf } from './stages.ts';

/** Tapped attention weights of a layer. */
interface LayerTap {
  readonly name: string;
  readonly layer: number;
  readonly heads: number;
}

/** What is tapped in one memory. */
interface PartTaps {
  /** Activations. */
  readonly activations: readonly number[];
  readonly layers: readonly LayerTap[];
}

/**
 * A plan for one run that taps tensors or runs a variant of the model's program. Nothing is fused across a tapped tensor,
 * and each is copied out before its buffer is reused. The results of the slices are joined.
 */
export class TailoredPlan {
  readonly tensors = new Map<string, TapTensor>();
  private readonly ops: readonly FusedOp[];
  private readonly stages: readonly MemoryStage[];
  /** By memory. */
  private readonly taps: readonly PartTaps[];
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
    placement: Placement,
  ) {
    const wanted = new Set(outputs.taps);
    this.wanted = wanted;
    this.given = outputs.given;
    const rows = batch.tokens.length;
    this.context = Math.max(...batch.contexts.map(({ cells }) => cells.length));
    const named = program.tensors.flatMap(({ taps }, id) => (taps.some((tap) => wanted.has(tap)) ? [id] : []));
    this.ops = fuse(program, new Set(named));
    this.stages = stagesOf(this.ops, placement);
    this.taps = Array.from({ length: placement.memories }, (_, part) => {
      const ops = this.stages.flatMap((stage) => (stage.part === part ? stage.ops : []));
      return {
        activations: ops.flatMap(({ output }) => (output !== null && named.includes(output) ? [output] : [])),
        layers: ops.flatMap((op) => layerTap(op, wanted)),
      };
    });
    const plan = planMemory({ ...program, ops: this.ops }, { cells: 0, rows: 0 });
    this.slots = plan.slots;
    this.slotWidths = plan.slotWidths;
    for (const id of named) {
      const { width, taps } = program.tensors[id];
      for (const name of taps) if (wanted.has(name)) this.add(name, [rows, width]);
    }
    for (const { name, heads } of this.taps.flatMap(({ layers }) => layers))
      this.add(name, [heads, rows, this.context]);
    this.angles = program.ops.flatMap((op) =>
      op.op === 'rope' && !ropeTables.some(({ attributes }) => sameAngles(attributes, op.attributes))
        ? [op.attributes]
        : [],
    );
  }

  /** Memory in one part for a slice of `rows` rows: buffers, tensors and plans. */
  bytes(part: number, rows: number): number {
    const { activations, layers } = this.taps[part];
    const stages = this.stages.filter((stage) => stage.part === part);
    let bytes = this.slotWidths.reduce((sum, width) => sum + align(rows * strideOf(width)), 0);
    for (const id of activations) bytes += align(4 * rows * this.program.tensors[id].width);
    for (const { heads } of layers) bytes += align(4 * heads * rows * this.context);
    for (const { frequencies } of this.angles) bytes += align(8 * rows * frequencies.length);
    const ops = stages.flatMap((stage) => stage.ops);
    // An operation becomes at most itself, its merge, its quantised input and a copy; the logits are a few more.
    const zeroed = ops.reduce((sum, op) => sum + (op.op === 'zeroHeads' ? op.attributes.heads.length : 0), 0);
    return bytes + OP_BYTES * (4 * ops.length + zeroed + 8);
  }

  /**
   * Writes the slice's plans and all they need.
   * @param plans by memory
   * @param free addresses of `bytes` bytes, by memory
   */
  writePlans(
    parts: readonly KernelPart[],
    plans: readonly PlanMemory[],
    [from, to]: readonly [from: number, to: number],
    free: readonly number[],
  ): { main: readonly StoredStage[]; logits: StoredStage | null } {
    const rows = to - from;
    const next = [...free];
    const take = (part: number, bytes: number) => {
      const taken = next[part];
      next[part] += align(bytes);
      return taken;
    };
    const places = { activations: new Map<number, number>(), attention: new Map<number, number>() };
    this.places = places;
    const own = plans.map((plan, part) => {
      const { u8, f32 } = parts[part].memory;
      const slotAddresses = this.slotWidths.map((width) => take(part, rows * strideOf(width)));
      const { activations, layers } = this.taps[part];
      for (const id of activations) places.activations.set(id, take(part, 4 * rows * this.program.tensors[id].width));
      for (const { layer, heads } of layers) {
        const bytes = 4 * heads * rows * this.context;
        const place = take(part, bytes);
        // Rows attend to different lengths of the context; beyond that the weight is 0.
        u8.fill(0, place, place + bytes);
        places.attention.set(layer, place);
      }
      const angles = this.angles.map((attributes) => {
        const table = take(part, 8 * rows * attributes.frequencies.length);
        writeAngles(f32, { attributes, at: table }, this.batch, from, to);
        return { attributes, at: table };
      });
      return {
        ...plan,
        activations: this.slots.map((slot) => slotAddresses[slot]),
        ropeTable: (wanted: RopeAttributes) =>
          angles.find(({ attributes }) => attributes === wanted)?.at ?? plan.ropeTable(wanted),
      };
    });
    for (const { part, ops } of this.stages) {
      for (const op of ops) this.writeInput(parts[part].memory.f32, op, own[part].activations, from, to);
    }
    const write = ({ part, crossings, ops }: LoweredStage): StoredStage => {
      const at = take(part, ops.length * OP_BYTES);
      writePlan(ops, parts[part].memory, at);
      return { part, crossings, plan: { at, ops } };
    };
    const { main, logits } = lowerStages(this.program, this.stages, own, places);
    return { main: main.map(write), logits: logits && write(logits) };
  }

  private writeInput(f32: Float32Array, op: FusedOp, activations: readonly number[], from: number, to: number): void {
    if (op.op !== 'input' || op.output === null) return;
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

  /** Copies the slice's tensors, rows `from` to `to` of the batch, out of the kernels' memories. */
  collect(parts: readonly KernelPart[], from: number, to: number): void {
    const rows = to - from;
    this.taps.forEach(({ activations, layers }, part) => {
      const { f32 } = parts[part].memory;
      for (const id of activations) {
        const { width, taps } = this.program.tensors[id];
        const at = this.places.activations.get(id)! / 4;
        const values = f32.subarray(at, at + rows * width);
        for (const name of taps) if (this.wanted.has(name)) this.tensors.get(name)!.data.set(values, from * width);
      }
      for (const { name, layer, heads } of layers) {
        const at = this.places.attention.get(layer)! / 4;
        const size = rows * this.context;
        for (let head = 0; head < heads; head++) {
          const values = f32.subarray(at + head * size, at + (head + 1) * size);
          this.tensors.get(name)!.data.set(values, (head * this.batch.tokens.length + from) * this.context);
        }
      }
    });
  }

  private add(name: string, shape: readonly number[]): void {
    this.tensors.set(name, { shape, data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)) });
  }
}

function layerTap(op: FusedOp, wanted: ReadonlySet<string>): LayerTap[] {
  if (op.op !== 'attention') return [];
  const { weightsTap, layer, heads } = op.attributes;
  return weightsTap !== null && wanted.has(weightsTap) ? [{ name: weightsTap, layer, heads }] : [];
}
