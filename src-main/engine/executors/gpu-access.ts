/** Access to a GPU, in this thread or in another process, with the same executor. */
import type { GpuAdapterInfo } from '../api/gpu.ts';
import type { CancelToken, Platform } from '../api/platform.ts';
import type { KvCacheType } from '../api/types.ts';
import type { Program } from '../program/program.ts';
import type { WeightReader } from '../program/weights.ts';
import type { Executor } from './executor.ts';
import { ExecutorClient } from './remote/executor-client.ts';
import { createRemoteExecutor } from './remote/remote-executor.ts';
import { openDevice, requestAdapter } from './webgpu/device.ts';
import { createWebGpuExecutor } from './webgpu/webgpu-executor.ts';

export interface GpuExecutorOptions {
  /** Cells of K and V storage: tokens of all sequences together. */
  readonly cells: number;
  /** Storage type of K and V; by default as exact as the weights. */
  readonly kvCacheType?: KvCacheType | undefined;
  /** Called with the bytes of each slice of weights read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** Called when the weights are uploaded and shaders are compiled. */
  readonly onCompile?: (() => void) | undefined;
  /** Checked while the executor is created. */
  readonly cancel?: CancelToken | undefined;
}

/** A device for one executor. */
export interface OpenedGpu {
  /** The device then belongs to the executor. @throws EngineError as `createWebGpuExecutor` */
  createExecutor(program: Program, reader: WeightReader, options: GpuExecutorOptions): Promise<Executor>;
  /** Closes a device that has no executor. */
  close(): void;
}

export interface GpuAccess {
  /** Null if there is no adapter. @throws EngineError BACKEND_LOST with the reason why WebGPU is not available */
  findAdapter(): Promise<GpuAdapterInfo | null>;
  /** @throws EngineError BACKEND_LOST when there is no adapter or it gives no device */
  open(): Promise<OpenedGpu>;
}

/** Null if the host has no access to a GPU. */
export function gpuAccess({ openGpu, connectGpu }: Pick<Platform, 'openGpu' | 'connectGpu'>): GpuAccess | null {
  if (openGpu) return localAccess(openGpu);
  return connectGpu ? remoteAccess(connectGpu) : null;
}

function localAccess(openGpu: NonNullable<Platform['openGpu']>): GpuAccess {
  return {
    async findAdapter() {
      const adapter = await requestAdapter(await openGpu());
      return adapter?.info ?? null;
    },
    async open() {
      const device = await openDevice(await openGpu());
      return {
        createExecutor: (program, reader, options) => createWebGpuExecutor(program, reader, { ...options, device }),
        close: () => device.device.destroy(),
      };
    },
  };
}

function remoteAccess(connectGpu: NonNullable<Platform['connectGpu']>): GpuAccess {
  return {
    async findAdapter() {
      const client = new ExecutorClient(await connectGpu());
      try {
        return await client.call('adapter', null);
      } finally {
        client.close();
      }
    },
    async open() {
      const client = new ExecutorClient(await connectGpu());
      const closing = (error: unknown): never => {
        client.close();
        throw error;
      };
      await client.call('open', null).catch(closing);
      return {
        createExecutor: (program, reader, options) =>
          createRemoteExecutor(client, program, reader, options).catch(closing),
        close: () => client.close(),
      };
    },
  };
}
