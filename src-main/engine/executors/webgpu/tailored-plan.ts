import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer, GpuDevice } from '../../api/gpu.ts';
import type { AttentionAttributes } from '../../program/ops.ts';
import type { Program } from '../../program/program.ts';
import type { Batch, Outputs, TapTensor } from '../executor.ts';
import { fuse } from '../fusion.ts';
import { group } from './grouping.ts';
import { CompiledPlan, type TapCopy } from './compiled-plan.ts';
import { logitsBytes, readBack } from './logits-readback.ts';
import type { Pipelines } from './pipelines.ts';
import type { Dispatch, PlanBuffers } from './plan.ts';
import { runBytes, runFormat } from './run-inputs.ts';
import { strideOf } from './shader.ts';
import { allocateActivations, type BufferSet } from './storage.ts';
import { areJoined } from './weights.ts';

/** A tapped activation, or the softmax weights of an attention, and the names that it is returned under. */
interface Tapped {
  readonly names: readonly string[];
  readonly buffer: GpuBuffer;
  /** Heads of softmax weights; 0 for an activation, whose rows of `width` values are padded to `stride`. */
  readonly heads: number;
  readonly width: number;
  readonly stride: number;
  readonly after: Dispatch | null;
}

/**
 * A plan for one run that taps tensors or runs a variant of the model's program. Nothing is fused across a tapped tensor.
 * The results of the slices are joined.
 */
export class GpuTailoredPlan {
  readonly tensors = new Map<string, TapTensor>();

  private constructor(
    readonly plan: CompiledPlan,
    private readonly device: GpuDevice,
    private readonly set: BufferSet,
    private readonly program: Program,
    private readonly outputs: Outputs,
    private readonly batch: Batch,
    private readonly tapped: readonly Tapped[],
    /** For reading back; null without taps. */
    private readonly target: GpuBuffer | null,
  ) {
    const rows = batch.tokens.length;
    for (const { names, heads, width } of tapped) {
      const shape = heads > 0 ? [heads, rows, width] : [rows, width];
      for (const name of names)
        this.tensors.set(name, { shape, data: new Float32Array(Math.max(1, heads) * rows * width) });
    }
  }

  /**
   * @param set for the plan's own buffers
   * @param shared buffers of the model: weights, K and V
   * @param rows of the largest slice
   */
  static async compile(
    device: GpuDevice,
    set: BufferSet,
    pipelines: Pipelines,
    shared: PlanBuffers,
    program: Program,
    outputs: Outputs,
    batch: Batch,
    rows: number,
  ): Promise<GpuTailoredPlan> {
    const wanted = new Set(outputs.taps);
    const namesOf = (taps: readonly string[]) => taps.filter((tap) => wanted.has(tap));
    const kept = new Set(program.tensors.flatMap(({ taps }, id) => (namesOf(taps).length > 0 ? [id] : [])));
    const grouped = group(program, fuse(program, kept), kept, (views) => areJoined(shared.weights, views));
    const format = runFormat(program);
    const context = Math.max(...batch.contexts.map(({ cells }) => cells.length));
    const attentions = new Map<number, { buffer: GpuBuffer; context: number; attributes: AttentionAttributes }>();
    for (const op of program.ops) {
      if (op.op !== 'attention' || op.attributes.weightsTap === null || !wanted.has(op.attributes.weightsTap)) continue;
      const buffer = set.storage('attention weights', 4 * op.attributes.heads * rows * context);
      attentions.set(op.attributes.layer, { buffer, context, attributes: op.attributes });
    }
    const buffers: PlanBuffers = {
      ...shared,
      format,
      run: set.storage('run', runBytes(format, rows)),
      contexts: set.storage('contexts', shared.contexts.size),
      activations: allocateActivations(set, grouped, rows),
      logits: set.storage('logits', logitsBytes(program.vocabularySize)),
      topLogits: null,
    };
    const plan = await CompiledPlan.compile(device, pipelines, grouped, buffers, attentions);
    // The last dispatch of an operation completes its tensor; an attention's weights are that of its attention.
    const last = (tensor: number) => plan.main.findLast(({ op }) => op.output === tensor) ?? null;
    const tapped = [...kept].map((id): Tapped => {
      const { width, taps } = program.tensors[id];
      const at = { names: namesOf(taps), buffer: buffers.activations[id], after: last(id) };
      return { ...at, heads: 0, width, stride: strideOf(width) };
    });
    for (const { buffer, attributes } of attentions.values()) {
      const { heads, weightsTap, layer } = attributes;
      const after =
        plan.main.findLast(
          ({ op }) => op.kind === 'single' && op.op.op === 'attention' && op.op.attributes.layer === layer,
        ) ?? null;
      tapped.push({ names: [weightsTap!], buffer, heads, width: context, stride: context, after });
    }
    const bytes = tapped.reduce((sum, tap) => sum + bytesOf(tap, rows), 0);
    const target = bytes > 0 ? set.readback('taps', bytes) : null;
    return new GpuTailoredPlan(plan, device, set, program, outputs, batch, tapped, target);
  }

  /** Copies of a slice of `rows` rows. */
  copies(rows: number): TapCopy[] {
    const { target } = this;
    if (!target) return [];
    let at = 0;
    return this.tapped.map((tap) => {
      const bytes = bytesOf(tap, rows);
      at += bytes;
      return { after: tap.after, from: tap.buffer, to: target, at: at - bytes, bytes };
    });
  }

  /** Writes the rows that the run is given: `from` to `to` of the batch. */
  writeGiven(from: number, to: number): void {
    for (const op of this.program.ops) {
      if (op.op !== 'input' || op.output === null) continue;
      const { name, width } = op.attributes;
      const given = this.outputs.given?.get(name);
      if (given?.length !== this.batch.tokens.length * width) {
        throw new EngineError('INTERNAL', `The run was not given ${name}, or not its ${width} values per row.`);
      }
      const stride = strideOf(width);
      const rows = new Float32Array((to - from) * stride);
      for (let row = from; row < to; row++) {
        rows.set(given.subarray(row * width, (row + 1) * width), (row - from) * stride);
      }
      this.device.queue.writeBuffer(this.plan.buffers.activations[op.output], 0, rows);
    }
  }

  /** Reads the tensors of a slice, rows `from` to `to` of the batch. */
  async collect(from: number, to: number): Promise<void> {
    const rows = to - from;
    const copies = this.copies(rows);
    if (!this.target) return;
    const values = await readBack(
      this.target,
      copies.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    this.tapped.forEach(({ names, heads, width, stride }, i) => {
      let at = copies[i].at / 4;
      for (let head = 0; head < Math.max(1, heads); head++) {
        for (let row = from; row < to; row++, at += stride) {
          const to = (head * this.batch.tokens.length + row) * width;
          for (const name of names) this.tensors.get(name)!.data.set(values.subarray(at, at + width), to);
        }
      }
    });
  }

  destroy(): void {
    this.set.destroy();
  }
}

function bytesOf({ heads, stride }: Tapped, rows: number): number {
  return 4 * Math.max(1, heads) * rows * stride;
}
