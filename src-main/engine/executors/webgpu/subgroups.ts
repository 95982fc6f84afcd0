import type { GpuAdapterInfo, GpuDevice } from '../../api/gpu.ts';
import { MAP_READ, USAGE } from './device.ts';
import type { SubgroupSize } from './reductions.ts';
import { THREADS } from './shader.ts';

/** By thread: its number in its subgroup, and the size of that. */
const PROBE = `enable subgroups;
@group(0) @binding(0) var<storage, read_write> found: array<vec2u, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) id: u32,
  @builtin(subgroup_size) size: u32,
) {
  found[local] = vec2u(id, size);
}
`;

/**
 * Threads of the device's smallest subgroups. Null without the feature, or if threads with consecutive numbers are in
 * different ones, which WebGPU allows and the kernels do not expect.
 */
export async function findSubgroups(device: GpuDevice, { subgroupMinSize = 0 }: GpuAdapterInfo): Promise<SubgroupSize> {
  if (!device.features?.has('subgroups') || subgroupMinSize < 2) return null;
  device.pushErrorScope('validation');
  // The shaders without subgroups may compile where the probe does not.
  const found = await probe(device).catch(() => null);
  const error = await device.popErrorScope();
  return error === null && found && fits(found, subgroupMinSize) ? subgroupMinSize : null;
}

/** @param found as the probe writes it: `[threads, 2]` */
export function fits(found: Uint32Array, least: number): boolean {
  const isPowerOf2 = (value: number) => value > 0 && (value & (value - 1)) === 0;
  return Array.from({ length: THREADS }, (_, thread) => {
    const [id, size] = found.subarray(2 * thread);
    return isPowerOf2(size) && size >= least && id === thread % size;
  }).every((isRight) => isRight && isPowerOf2(least));
}

async function probe(device: GpuDevice): Promise<Uint32Array> {
  const label = 'subgroups';
  const module = device.createShaderModule({ label, code: PROBE });
  const compute = { module, entryPoint: 'main' };
  const pipeline = await device.createComputePipelineAsync({ label, layout: 'auto', compute });
  const size = 4 * 2 * THREADS;
  const buffer = device.createBuffer({ label, size, usage: USAGE.STORAGE | USAGE.COPY_SRC });
  const target = device.createBuffer({ label, size, usage: USAGE.MAP_READ | USAGE.COPY_DST });
  try {
    const entries = [{ binding: 0, resource: { buffer } }];
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(buffer, 0, target, 0, size);
    device.queue.submit([encoder.finish()]);
    await target.mapAsync(MAP_READ);
    return new Uint32Array(target.getMappedRange().slice(0));
  } finally {
    buffer.destroy();
    target.destroy();
  }
}
