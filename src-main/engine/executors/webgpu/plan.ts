/** Lowers a program into a static list of dispatches with their pipelines, bind groups and buffers. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBindGroup, GpuBuffer, GpuComputePass, GpuComputePipeline, GpuDevice } from '../../api/gpu.ts';
import type { OpOf } from '../../program/ops.ts';
import type { Program } from '../../program/program.ts';
import type { WeightView } from '../../program/weights.ts';
import type { FusedOp } from '../fusion.ts';
import { USAGE } from './device.ts';
import type { KvLayout } from './kv-storage.ts';
import { attention, attentionWeights } from './ops/attention.ts';
import { cacheWrite } from './ops/cache-write.ts';
import { binary, mapped, zeroHeads } from './ops/elementwise.ts';
import { embed } from './ops/embed.ts';
import { linear, type LinearShape } from './ops/linear.ts';
import { layerNorm, rmsNorm } from './ops/norm.ts';
import { rope } from './ops/rope.ts';
import { ropeIndex, type RunFormat } from './run-inputs.ts';
import type { Kernel, Workgroups } from './shader.ts';
import type { GpuWeight } from './weights.ts';

/** Everything that the kernels of a plan read and write. */
export interface PlanBuffers {
  readonly format: RunFormat;
  readonly run: GpuBuffer;
  readonly contexts: GpuBuffer;
  readonly weights: ReadonlyMap<string, GpuWeight>;
  /** By layer. */
  readonly kv: readonly (KvLayout | null)[];
  readonly keys: readonly (GpuBuffer | null)[];
  readonly values: readonly (GpuBuffer | null)[];
  /** By tensor: `[rows, stride]`. */
  readonly activations: readonly GpuBuffer[];
  /** `[LOGIT_ROWS, stride]`. */
  readonly logits: GpuBuffer;
}

/** Where the weights of tapped attentions go, by layer. */
export type AttentionTaps = ReadonlyMap<number, { readonly buffer: GpuBuffer; readonly context: number }>;

/** One kernel and its buffers, in the order of its bindings. */
interface Step {
  readonly kernel: Kernel;
  readonly buffers: readonly GpuBuffer[];
  /** The same with more rows per loaded weight, for batches. */
  readonly forMany?: Kernel;
}

export interface Dispatch {
  /** The operation of the program that it belongs to, for counts and errors. */
  readonly op: FusedOp;
  readonly few: Variant;
  readonly many: Variant;
}

interface Variant {
  readonly pipeline: GpuComputePipeline;
  readonly group: GpuBindGroup;
  workgroups(rows: number): Workgroups;
}

/** Rows that share each loaded weight in a batch. */
const MANY_ROWS = 4;

/** Pipelines by their code, and uniforms by their contents: layers share them. They are freed with the device. */
export class Pipelines {
  private readonly compiled = new Map<string, Promise<GpuComputePipeline>>();
  private readonly uniforms = new Map<string, GpuBuffer>();

  constructor(private readonly device: GpuDevice) {}

  compile(label: string, code: string): Promise<GpuComputePipeline> {
    let pipeline = this.compiled.get(code);
    if (!pipeline) {
      const module = this.device.createShaderModule({ label, code });
      pipeline = this.device.createComputePipelineAsync({
        ...{ label, layout: 'auto' },
        compute: { module, entryPoint: 'main' },
      });
      this.compiled.set(code, pipeline);
    }
    return pipeline;
  }

  /** A buffer with the shape of a kernel. */
  uniform(label: string, shape: Uint32Array<ArrayBuffer>): GpuBuffer {
    const key = shape.join();
    let buffer = this.uniforms.get(key);
    if (!buffer) {
      buffer = this.device.createBuffer({ label, size: shape.byteLength, usage: USAGE.UNIFORM | USAGE.COPY_DST });
      this.device.queue.writeBuffer(buffer, 0, shape);
      this.uniforms.set(key, buffer);
    }
    return buffer;
  }
}

/**
 * The dispatches of a program, in order. Those of the logits are of the last operation.
 * @throws EngineError INTERNAL when a shader does not compile
 */
export async function lower(
  ops: readonly FusedOp[],
  program: Program,
  buffers: PlanBuffers,
  device: GpuDevice,
  pipelines: Pipelines,
  taps: AttentionTaps = new Map(),
): Promise<Dispatch[]> {
  const lowering = new Lowering(program, buffers, taps);
  const steps = ops.flatMap((op) => lowering.steps(op).map((step) => ({ op, ...step })));
  return Promise.all(
    steps.map(async ({ op, kernel, forMany, buffers: bound }) => {
      const variant = async ({ code, shape, workgroups }: Kernel): Promise<Variant> => {
        const pipeline = await compile(pipelines, op.op, code);
        const entries = [...bound, pipelines.uniform(op.op, shape)].map((buffer, binding) => ({
          binding,
          resource: { buffer },
        }));
        const group = device.createBindGroup({ label: op.op, layout: pipeline.getBindGroupLayout(0), entries });
        return { pipeline, group, workgroups };
      };
      const few = await variant(kernel);
      return { op, few, many: forMany ? await variant(forMany) : few };
    }),
  );
}

async function compile(pipelines: Pipelines, op: string, code: string): Promise<GpuComputePipeline> {
  try {
    return await pipelines.compile(op, code);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('INTERNAL', `The shader of ${op} does not compile: ${reason}`, { op }, { cause });
  }
}

/** Records dispatches for a batch of `rows` rows. */
export function encode(pass: GpuComputePass, { few, many }: Dispatch, rows: number): void {
  const { pipeline, group, workgroups } = rows < MANY_ROWS ? few : many;
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...workgroups(rows));
}

class Lowering {
  constructor(
    private readonly program: Program,
    private readonly buffers: PlanBuffers,
    private readonly taps: AttentionTaps,
  ) {}

  steps(op: FusedOp): Step[] {
    const { format, run } = this.buffers;
    switch (op.op) {
      case 'input':
        return [];
      case 'embed':
        return this.embed(op);
      case 'linear':
      case 'logits':
        return this.linear(op);
      case 'layerNorm': {
        const [gain, bias] = op.weights.map((view) => this.vector(view));
        const kernel = layerNorm(this.width(op), op.attributes.eps);
        return [{ kernel, buffers: [this.input(op), gain, bias, this.output(op)] }];
      }
      case 'rmsNorm': {
        const [gain] = op.weights;
        const kernel = rmsNorm(this.width(op), gain.shape[0], op.attributes.eps);
        return [{ kernel, buffers: [this.input(op), this.vector(gain), this.output(op)] }];
      }
      case 'rope': {
        const angles = format.angles[ropeIndex(format.ropes, op.attributes)];
        return this.elementwise(op, rope(format, this.width(op), op.attributes, angles));
      }
      case 'relu':
      case 'silu':
      case 'gelu':
        return this.elementwise(op, mapped(this.width(op), op.op));
      case 'scale':
        return this.elementwise(op, mapped(this.width(op), null, op.attributes.factor));
      case 'zeroHeads': {
        const { headDim, heads } = op.attributes;
        return this.elementwise(op, zeroHeads(this.width(op), headDim, heads));
      }
      case 'add':
      case 'mul': {
        const kernel = binary(op.op, this.width(op));
        return [{ kernel, buffers: [run, this.input(op), this.input(op, 1), this.output(op)] }];
      }
      case 'cacheWrite':
        return this.cacheWrite(op);
      case 'attention':
        return this.attention(op);
    }
  }

  private elementwise(op: FusedOp, kernel: Kernel): Step[] {
    return [{ kernel, buffers: [this.buffers.run, this.input(op), this.output(op)] }];
  }

  private embed(op: OpOf<'embed'>): Step[] {
    const [table] = op.weights;
    const { layout, parts } = this.weight(table);
    const { format, run } = this.buffers;
    return parts.map(({ buffer, firstRow, rows }) => {
      // A view's rows are counted from its first.
      const part = { index: op.attributes.index, firstRow: firstRow - table.firstRow, rows };
      if (part.firstRow < 0) throw unexpected('a table that begins within a tensor');
      return { kernel: embed(format, layout, table.shape[1], part), buffers: [run, buffer, this.output(op)] };
    });
  }

  private linear(op: FusedOp & (OpOf<'linear'> | OpOf<'logits'>)): Step[] {
    const [matrix, bias] = op.weights;
    const [width, inputs] = matrix.shape;
    const { layout, parts } = this.weight(matrix);
    const y = op.op === 'logits' ? this.buffers.logits : this.output(op);
    return parts.flatMap(({ buffer, firstRow, rows }): Step[] => {
      const from = Math.max(matrix.firstRow, firstRow);
      const to = Math.min(matrix.firstRow + width, firstRow + rows);
      if (from >= to) return [];
      const shape: LinearShape = {
        ...{ layout, inputs, width, epilogue: op.epilogue, outputs: to - from },
        ...{ firstRow: from - firstRow, firstOutput: from - matrix.firstRow },
        bias: bias ? bias.firstRow : null,
        logits: op.op === 'logits',
        softcap: op.op === 'logits' ? op.attributes.softcap : null,
      };
      const bound = [
        ...[this.buffers.run, buffer, this.input(op), y],
        bias ? this.vector(bias, true) : buffer,
        op.epilogue?.operand ? this.input(op, 1) : buffer,
      ];
      const step = { kernel: linear(shape, 1), buffers: bound };
      // Logits of many rows are rare, and compiling a kernel takes long.
      return [op.op === 'logits' ? step : { ...step, forMany: linear(shape, MANY_ROWS) }];
    });
  }

  private cacheWrite(op: OpOf<'cacheWrite'>): Step[] {
    const { kv, keys, values, format, run } = this.buffers;
    const { layer } = op.attributes;
    const layout = kv[layer];
    const [toKeys, toValues] = [keys[layer], values[layer]];
    // Nothing reads K and V of such a layer.
    if (!layout || !toKeys || !toValues) return [];
    const buffers = [run, this.input(op), this.input(op, 1), toKeys, toValues];
    return [{ kernel: cacheWrite(format, layout), buffers }];
  }

  private attention(op: OpOf<'attention'>): Step[] {
    const { kv, keys, values, format, run, contexts } = this.buffers;
    const { layer } = op.attributes;
    const layout = kv[layer];
    const [fromKeys, fromValues] = [keys[layer], values[layer]];
    if (!layout || !fromKeys || !fromValues) throw unexpected(`layer ${layer} without K and V`);
    const q = this.input(op);
    const steps: Step[] = [
      {
        kernel: attention(format, op.attributes, layout.type),
        buffers: [run, contexts, q, fromKeys, fromValues, this.output(op)],
      },
    ];
    const tap = this.taps.get(layer);
    if (tap) {
      const kernel = attentionWeights(format, op.attributes, layout.type, tap.context);
      steps.push({ kernel, buffers: [run, contexts, q, fromKeys, tap.buffer] });
    }
    return steps;
  }

  private width(op: FusedOp): number {
    return this.program.tensors[op.inputs[0]].width;
  }

  private input(op: Pick<FusedOp, 'inputs'>, index = 0): GpuBuffer {
    return this.buffers.activations[op.inputs[index]];
  }

  private output(op: Pick<FusedOp, 'op' | 'output'>): GpuBuffer {
    if (op.output === null) throw unexpected(`${op.op} without an output`);
    return this.buffers.activations[op.output];
  }

  private weight(view: WeightView): GpuWeight {
    const weight = this.buffers.weights.get(view.name);
    if (!weight) throw unexpected(`the weight ${view.name}, which the program did not declare`);
    return weight;
  }

  private vector(view: WeightView, mayBePart = false): GpuBuffer {
    if (view.firstRow > 0 && !mayBePart) throw unexpected(`a part of the vector ${view.name}`);
    return this.weight(view).parts[0].buffer;
  }
}

function unexpected(what: string): EngineError {
  return new EngineError('INTERNAL', `The webgpu executor cannot run ${what}.`);
}
