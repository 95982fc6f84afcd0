/** Compiled kernels with their buffers. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBindGroup, GpuBuffer, GpuComputePass, GpuComputePipeline, GpuDevice } from '../../api/gpu.ts';
import { type OpenedDevice, USAGE } from './device.ts';
import type { SubgroupSize } from './reductions.ts';
import type { Kernel, Workgroups } from './shader.ts';
import { findSubgroups } from './subgroups.ts';

/** A kernel with its buffers, ready to be dispatched. */
export interface Variant {
  readonly pipeline: GpuComputePipeline;
  readonly group: GpuBindGroup;
  workgroups(rows: number, longest: number): Workgroups;
}

/** Pipelines of a device by their code, and uniforms by their contents: layers share them. They are freed with it. */
export class Pipelines {
  private static readonly byDevice = new WeakMap<GpuDevice, Promise<Pipelines>>();
  private readonly compiled = new Map<string, Promise<GpuComputePipeline>>();
  private readonly uniforms = new Map<string, GpuBuffer>();

  private constructor(
    private readonly device: GpuDevice,
    /** Of its kernels. */
    readonly subgroup: SubgroupSize,
  ) {}

  static of({ device, adapter }: OpenedDevice): Promise<Pipelines> {
    const pipelines =
      Pipelines.byDevice.get(device) ??
      findSubgroups(device, adapter).then((subgroup) => new Pipelines(device, subgroup));
    Pipelines.byDevice.set(device, pipelines);
    return pipelines;
  }

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
 * @param bound the kernel's buffers in the order of its bindings
 * @throws EngineError INTERNAL when its shader does not compile
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
