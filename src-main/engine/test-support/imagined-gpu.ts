/** A GPU that computes nothing, and counts what a plan would cost. */
import type { Gpu, GpuAdapterInfo, GpuBuffer, GpuDevice } from '../api/gpu.ts';

/** Of one run. */
export interface PlanCounts {
  dispatches: number;
  bytesRead: number;
  bytesWritten: number;
}

export interface ImaginedGpu {
  readonly device: GpuDevice;
  readonly adapter: GpuAdapterInfo;
  /** Buffers that are not destroyed. */
  readonly liveBuffers: ReadonlySet<GpuBuffer>;
  /** What was counted since the last call. */
  take(): PlanCounts;
}

/** As Chromium allows on most desktop GPUs: bytes of a buffer and of a binding, and buffers of a shader. */
const LARGEST = 2 ** 31 - 4;
const LIMITS = {
  maxBufferSize: LARGEST,
  maxStorageBufferBindingSize: LARGEST,
  maxStorageBuffersPerShaderStage: 10,
  maxComputeWorkgroupsPerDimension: 65_535,
};

export function imaginedGpu(): ImaginedGpu {
  let counts = none();
  const liveBuffers = new Set<GpuBuffer>();
  const buffer = ({ size }: { size: number }): GpuBuffer => {
    const created: GpuBuffer = {
      size,
      mapAsync(_mode, _offset, bytes = size) {
        counts.bytesRead += bytes;
        return Promise.resolve();
      },
      getMappedRange: (_offset, bytes = size) => new ArrayBuffer(bytes),
      unmap: () => undefined,
      destroy: () => void liveBuffers.delete(created),
    };
    liveBuffers.add(created);
    return created;
  };
  const device: GpuDevice = {
    limits: LIMITS,
    queue: {
      writeBuffer(_buffer, _offset, data, _from, size) {
        const bytes = 'BYTES_PER_ELEMENT' in data ? Number(data.BYTES_PER_ELEMENT) : 1;
        counts.bytesWritten += size === undefined ? data.byteLength : size * bytes;
      },
      submit: () => undefined,
      onSubmittedWorkDone: () => Promise.resolve(),
    },
    lost: new Promise(() => undefined),
    createBuffer: buffer,
    createShaderModule: () => ({}),
    createComputePipelineAsync: () => Promise.resolve({ getBindGroupLayout: () => ({}) }),
    createBindGroup: () => ({}),
    createCommandEncoder: () => ({
      beginComputePass: () => ({
        setPipeline: () => undefined,
        setBindGroup: () => undefined,
        dispatchWorkgroups: () => void counts.dispatches++,
        end: () => undefined,
      }),
      resolveQuerySet: () => undefined,
      copyBufferToBuffer: () => undefined,
      finish: () => ({}),
    }),
    createQuerySet: () => ({ destroy: () => undefined }),
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    destroy: () => undefined,
  };
  return {
    device,
    adapter: { vendor: '', architecture: '', device: '', description: 'imagined' },
    liveBuffers,
    take() {
      const taken = counts;
      counts = none();
      return taken;
    },
  };
}

/** A GPU that gives this device, or one with some changes. */
export function gpuWith({ device, adapter }: ImaginedGpu = imaginedGpu(), change: Partial<GpuDevice> = {}): Gpu {
  const requestDevice = () => Promise.resolve({ ...device, ...change });
  return { requestAdapter: () => Promise.resolve({ info: adapter, limits: device.limits, requestDevice }) };
}

function none(): PlanCounts {
  return { dispatches: 0, bytesRead: 0, bytesWritten: 0 };
}
