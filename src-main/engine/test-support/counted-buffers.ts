import type { GpuDevice } from '../api/gpu.ts';

/** More than the shapes of a model's kernels take, which its memory does not count. */
export const UNIFORM_BYTES = 16_384;

/** The device, and the bytes of all buffers that are created on it. */
export function countedBuffers(device: GpuDevice): { counted: GpuDevice; total(): number } {
  let bytes = 0;
  const createBuffer: GpuDevice['createBuffer'] = (descriptor) => {
    bytes += descriptor.size;
    return device.createBuffer(descriptor);
  };
  const counted = new Proxy(device, {
    get: (target, name) => (name === 'createBuffer' ? createBuffer : Reflect.get(target, name, target)),
  });
  return { counted, total: () => bytes };
}
