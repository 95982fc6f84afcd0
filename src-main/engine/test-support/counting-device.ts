/** A device that counts what an executor asks of it. */
import type { GpuBuffer, GpuCommandEncoder, GpuComputePass, GpuDevice } from '../api/gpu.ts';

export interface GpuCounts {
  /** Calls of `create*` by name. */
  readonly created: Record<string, number>;
  dispatches: number;
  submits: number;
  /** Bytes mapped for reading. */
  bytesRead: number;
  bytesWritten: number;
}

export function countingDevice(device: GpuDevice): { device: GpuDevice; take(): GpuCounts } {
  let counts = none();
  /** The object with some methods replaced; the others are called on the object itself. */
  const wrap = <T extends object>(object: T, replaced: Partial<T>, onCall?: (name: string) => void): T =>
    new Proxy(object, {
      get(target, name) {
        const value: unknown = Reflect.get(replaced, name) ?? Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...values: unknown[]): unknown => {
          onCall?.(String(name));
          return Reflect.apply(value, target, values);
        };
      },
    });
  const counting = wrap(
    device,
    {
      queue: wrap(device.queue, {
        submit(commands) {
          counts.submits++;
          device.queue.submit(commands);
        },
        writeBuffer(buffer, offset, data, from, size) {
          const bytes = 'BYTES_PER_ELEMENT' in data ? Number(data.BYTES_PER_ELEMENT) : 1;
          counts.bytesWritten += size === undefined ? data.byteLength : size * bytes;
          device.queue.writeBuffer(buffer, offset, data, from, size);
        },
      }),
      createBuffer: (descriptor) => {
        const buffer: GpuBuffer = device.createBuffer(descriptor);
        // Only buffers of their own class can be bound, so the method is replaced on the object.
        const map = buffer.mapAsync.bind(buffer);
        buffer.mapAsync = (mode, offset, size) => {
          counts.bytesRead += size ?? buffer.size;
          return map(mode, offset, size);
        };
        return buffer;
      },
      createCommandEncoder: () => {
        const encoder: GpuCommandEncoder = device.createCommandEncoder();
        const begin = encoder.beginComputePass.bind(encoder);
        encoder.beginComputePass = (descriptor) => {
          const pass: GpuComputePass = begin(descriptor);
          const dispatch = pass.dispatchWorkgroups.bind(pass);
          pass.dispatchWorkgroups = (x, y, z) => {
            counts.dispatches++;
            dispatch(x, y, z);
          };
          return pass;
        };
        return encoder;
      },
    },
    (name) => {
      if (name.startsWith('create')) counts.created[name] = (counts.created[name] ?? 0) + 1;
    },
  );
  return {
    device: counting,
    take: () => {
      const taken = counts;
      counts = none();
      return taken;
    },
  };
}

function none(): GpuCounts {
  return { created: {}, dispatches: 0, submits: 0, bytesRead: 0, bytesWritten: 0 };
}
