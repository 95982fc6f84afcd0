import type { GpuBuffer, GpuCommandEncoder, GpuDevice } from '../../api/gpu.ts';
import type { GroupedOps } from './grouping.ts';
import { topLogits as topKernel } from './ops/top-logits.ts';
import {
  type AttentionTaps,
  type Dispatch,
  dispatch,
  encode,
  isLogits,
  lower,
  type Pipelines,
  type PlanBuffers,
  prepare,
  type Variant,
} from './plan.ts';
import { GpuRunInputs } from './run-inputs.ts';

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
    private readonly top: Variant | null,
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
    const dispatches = await lower(grouped, buffers, device, pipelines, taps);
    const { logits, topLogits } = buffers;
    const selecting = (result: GpuBuffer, k: number, size: number) =>
      prepare(device, pipelines, 'top logits', topKernel(size, k), [logits, result]);
    const top = topLogits && (await selecting(topLogits.result, topLogits.k, topLogits.vocabularySize));
    return new CompiledPlan(device, buffers, dispatches, top);
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

  /** Records the logits of the rows that `inputs` names, and the selection of the best. */
  encodeLogits(encoder: GpuCommandEncoder, rows: number, best: boolean): void {
    const pass = encoder.beginComputePass();
    for (const each of this.logits) encode(pass, each, rows);
    if (best && this.top) dispatch(pass, this.top, rows);
    pass.end();
  }
}
