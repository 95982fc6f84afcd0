/** Compiled kernels with their buffers. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBindGroup, GpuBuffer, GpuComputePass, GpuComputePipeline, GpuDevice } from '../../api/gpu.ts';
import type { CancelToken } from '../../api/platform.ts';
import { type OpenedDevice, USAGE } from './device.ts';
import type { DeviceWatch } from './device-watch.ts';
import type { SubgroupSize } from './reductions.ts';
import type { Kernel, Workgroups } from './shader.ts';
import type { BufferSet } from './storage.ts';
import { findSubgroups } from './subgroups.ts';

/** A kernel with its buffers, ready to be dispatched. */
export interface Variant {
  readonly pipeline: GpuComputePipeline;
  readonly group: GpuBindGroup;
  workgroups(rows: number, longest: number): Workgroups;
}

/** What a plan is compiled with. */
export interface Compiling {
  /** Limits the time of each pipeline. */
  readonly watch: DeviceWatch;
  readonly cancel?: CancelToken | undefined;
  /** Owns the uniforms that no other plan has; without it, they stay for later plans. */
  readonly buffers?: BufferSet | undefined;
}

/** Pipelines of a device by their code, and uniforms by their contents: layers share them. They are freed with it. */
export class Pipelines {
  private static readonly byDevice = new WeakMap<GpuDevice, Promise<Pipelines>>();

  private constructor(
    private readonly device: GpuDevice,
    /** Of its kernels. */
    readonly subgroup: SubgroupSize,
    private readonly compiled = new Map<string, Promise<GpuComputePipeline>>(),
    private readonly uniforms = new Map<string, GpuBuffer>(),
    private readonly compiling: Compiling | null = null,
  ) {}

  static of({ device, adapter }: OpenedDevice): Promise<Pipelines> {
    const pipelines =
      Pipelines.byDevice.get(device) ??
      findSubgroups(device, adapter).then((subgroup) => new Pipelines(device, subgroup));
    Pipelines.byDevice.set(device, pipelines);
    return pipelines;
  }

  /** The same pipelines, for a plan. */
  for(compiling: Compiling): Pipelines {
    const uniforms = compiling.buffers ? new Map(this.uniforms) : this.uniforms;
    return new Pipelines(this.device, this.subgroup, this.compiled, uniforms, compiling);
  }

  compile(label: string, code: string): Promise<GpuComputePipeline> {
    const pipeline = this.pipeline(label, code);
    return this.compiling ? this.compiling.watch.during(() => pipeline, this.compiling.cancel) : pipeline;
  }

  private pipeline(label: string, code: string): Promise<GpuComputePipeline> {
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
      const size = shape.byteLength;
      buffer =
        this.compiling?.buffers?.uniform(label, size) ??
        this.device.createBuffer({ label, size, usage: USAGE.UNIFORM | USAGE.COPY_DST });
      this.device.queue.writeBuffer(buffer, 0, shape);
      this.uniforms.set(key, buffer);
    }
    return buffer;
  }
}

/**
 * @param bound the kernel's buffers in the order of its bindings
 * @throws EngineError INTERNAL when its shader does not compile, BACKEND_LOST, CANCELLED
 */
export async function prepare(
  device: GpuDevice,
  pipelines: Pipelines,
  label: string,
  { code, shape, workgroups }: Kernel,
  bound: readonly GpuBuffer[],
): Promise<Variant> {
  const pipeline = await compile(pipelines, label, code(pipelines.subgroup));
  const entries = [...bound, pipelines.uniform(label, shape)].map((buffer, binding) => ({
    binding,
    resource: { buffer },
  }));
  const group = device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries });
  return { pipeline, group, workgroups };
}

async function compile(pipelines: Pipelines, op: string, code: string): Promise<GpuComputePipeline> {
  try {
    return await pipelines.compile(op, code);
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('INTERNAL', `The shader of ${op} does not compile: ${reason}`, { op }, { cause });
  }
}

export function dispatch(
  pass: GpuComputePass,
  { pipeline, group, workgroups }: Variant,
  rows: number,
  longest = 0,
): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...workgroups(rows, longest));
}
