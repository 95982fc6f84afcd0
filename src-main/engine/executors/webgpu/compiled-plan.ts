import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer, GpuCommandEncoder, GpuDevice } from '../../api/gpu.ts';
import type { GroupedOps } from './grouping.ts';
import { draw as drawKernel } from './ops/draw.ts';
import { TOP_HEADER, topLogits as topKernel } from './ops/top-logits.ts';
import { dispatch, type Pipelines, prepare, type Variant } from './pipelines.ts';
import { type AttentionTaps, type Dispatch, encode, isLogits, lower, type PlanBuffers } from './plan.ts';
import type { DispatchTimes } from './dispatch-times.ts';
import { otherWork, type RunSize } from './op-work.ts';
import { GpuRunInputs } from './run-inputs.ts';
import { ROW, RUN } from './shader.ts';

/** A copy of a tapped tensor, right after the dispatch that completes it; null for one that exists from the start. */
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
    /** The kernel that draws one of the best logits. */
    private readonly draw: Variant | null,
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
    const draw =
      topLogits && (await prepare(device, pipelines, 'draw', drawKernel(topLogits.k), [buffers.run, topLogits.result]));
    return new CompiledPlan(device, buffers, dispatches, top, draw);
  }

  /** Records everything up to the logits for `rows` rows. */
  encodeMain(
    encoder: GpuCommandEncoder,
    rows: number,
    copies: readonly TapCopy[] = [],
    times: DispatchTimes | null = null,
  ): void {
    if (times) {
      this.encodeTimed(encoder, this.main, rows, times);
      return;
    }
    const copy = (after: Dispatch | null) => {
      const due = copies.filter((tap) => tap.after === after);
      for (const { from, to, at, bytes } of due) encoder.copyBufferToBuffer(from, 0, to, at, bytes);
    };
    copy(null);
    const { longest } = this.inputs;
    let pass = encoder.beginComputePass();
    for (const dispatch of this.main) {
      encode(pass, dispatch, rows, longest);
      if (!copies.some(({ after }) => after === dispatch)) continue;
      // Copied now, because its buffer is reused later.
      pass.end();
      copy(dispatch);
      pass = encoder.beginComputePass();
    }
    pass.end();
  }

  /** Records a copy of the token that the previous run chose to the first row. */
  encodeChosen(encoder: GpuCommandEncoder): void {
    const { run, topLogits } = this.buffers;
    if (!topLogits) throw new EngineError('INTERNAL', 'This plan chooses no tokens.');
    encoder.copyBufferToBuffer(topLogits.result, 4 * TOP_HEADER.chosen, run, 4 * (RUN.header + ROW.token), 4);
  }

  /** Records the logits of the rows that `inputs` names, the selection of the best, and a draw of one. */
  encodeLogits(
    encoder: GpuCommandEncoder,
    rows: number,
    { best, draw = false }: { readonly best: boolean; readonly draw?: boolean },
    times: DispatchTimes | null = null,
  ): void {
    const selecting: readonly (readonly [name: string, Variant | null])[] = [
      ['top logits', best ? this.top : null],
      ['draw', best && draw ? this.draw : null],
    ];
    if (times) {
      this.encodeTimed(encoder, this.logits, rows, times);
      for (const [name, variant] of selecting) {
        if (!variant) continue;
        const pass = times.begin(encoder, otherWork(name), this.sizeOf(rows));
        dispatch(pass, variant, rows);
        pass.end();
      }
      return;
    }
    const pass = encoder.beginComputePass();
    for (const each of this.logits) encode(pass, each, rows, 0);
    for (const [, variant] of selecting) if (variant) dispatch(pass, variant, rows);
    pass.end();
  }

  private encodeTimed(
    encoder: GpuCommandEncoder,
    dispatches: readonly Dispatch[],
    rows: number,
    times: DispatchTimes,
  ): void {
    const run = this.sizeOf(rows);
    for (const each of dispatches) {
      const pass = times.begin(encoder, each.work, run);
      encode(pass, each, rows, this.inputs.longest);
      pass.end();
    }
  }

  private sizeOf(rows: number): RunSize {
    return { rows, attended: (window) => this.inputs.attended(window) };
  }
}
