import type { GpuBuffer, GpuCommandEncoder, GpuDevice } from '../../api/gpu.ts';
import type { Program } from '../../program/program.ts';
import { MAP_READ } from './device.ts';
import type { GroupedOps } from './grouping.ts';
import {
  type AttentionTaps,
  type Dispatch,
  encode,
  isLogits,
  lower,
  type Pipelines,
  type PlanBuffers,
} from './plan.ts';
import { GpuRunInputs } from './run-inputs.ts';
import { LOGIT_ROWS, strideOf } from './shader.ts';

/** A copy of a tapped tensor, right after the dispatch that completes it; null for one that is there from the start. */
export interface TapCopy {
  readonly after: Dispatch | null;
  readonly from: GpuBuffer;
  readonly to: GpuBuffer;
  readonly at: number;
  readonly bytes: number;
}

/** A program that is ready to run: nothing is created when it does, except command buffers. */
export class CompiledPlan {
  readonly inputs: GpuRunInputs;
  readonly main: readonly Dispatch[];
  private readonly logits: readonly Dispatch[];

  private constructor(
    device: GpuDevice,
    readonly buffers: PlanBuffers,
    dispatches: readonly Dispatch[],
  ) {
    this.inputs = new GpuRunInputs(device.queue, buffers.format, buffers.run, buffers.contexts);
    this.main = dispatches.filter(({ op }) => !isLogits(op));
    this.logits = dispatches.filter(({ op }) => isLogits(op));
  }

  static async compile(
    device: GpuDevice,
    pipelines: Pipelines,
    grouped: GroupedOps,
    buffers: PlanBuffers,
    taps?: AttentionTaps,
  ): Promise<CompiledPlan> {
    return new CompiledPlan(device, buffers, await lower(grouped, buffers, device, pipelines, taps));
  }

  /** Records everything up to the logits for `rows` rows. */
  encodeMain(encoder: GpuCommandEncoder, rows: number, copies: readonly TapCopy[] = []): void {
    const copy = (after: Dispatch | null) => {
      const due = copies.filter((tap) => tap.after === after);
      for (const { from, to, at, bytes } of due) encoder.copyBufferToBuffer(from, 0, to, at, bytes);
    };
    copy(null);
    let pass = encoder.beginComputePass();
    for (const dispatch of this.main) {
      encode(pass, dispatch, rows);
      if (!copies.some(({ after }) => after === dispatch)) continue;
      // Copied now, because its buffer is reused later.
      pass.end();
      copy(dispatch);
      pass = encoder.beginComputePass();
    }
    pass.end();
  }

  /** Records the logits of the rows that `inputs` names, and their copy to `target`. */
  encodeLogits(encoder: GpuCommandEncoder, rows: number, target: GpuBuffer, bytes: number): void {
    const pass = encoder.beginComputePass();
    for (const dispatch of this.logits) encode(pass, dispatch, rows);
    pass.end();
    encoder.copyBufferToBuffer(this.buffers.logits, 0, target, 0, bytes);
  }
}

export function logitsBytes(program: Program, rows = LOGIT_ROWS): number {
  return 4 * rows * strideOf(program.vocabularySize);
}

/** The first `bytes` bytes of a buffer for reading back, after all that was submitted. */
export async function readBack(buffer: GpuBuffer, bytes: number): Promise<Float32Array<ArrayBuffer>> {
  await buffer.mapAsync(MAP_READ, 0, bytes);
  try {
    // A copy: the mapped memory is detached when it is unmapped.
    return new Float32Array(buffer.getMappedRange(0, bytes).slice(0));
  } finally {
    buffer.unmap();
  }
}
