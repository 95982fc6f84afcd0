/** A connection to a thread with a GPU: the messages are real, and copied, but both ends are in this thread. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { workerThreadsTransport } from '../../protocol/transports/worker-threads.ts';
import type { Gpu } from '../api/gpu.ts';
import type { MessageLink } from '../api/platform.ts';
import { serveGpu, type ServeGpuOptions } from '../executors/remote/serve-gpu.ts';
import { createWasmExecutor } from '../executors/wasm/wasm-executor.ts';
import { testKernels } from './kernels.ts';

export interface GpuThread {
  /** The engine's end. */
  readonly link: MessageLink;
  /** Ends the thread, as if its process were killed. */
  kill(): void;
}

export function gpuThread(gpu: Gpu | null, options: ServeGpuOptions = {}): GpuThread {
  const { port1, port2 } = new MessageChannel();
  serveGpu(workerThreadsTransport(port2), gpu, options);
  return { link: workerThreadsTransport(port1), kill: () => port2.close() };
}

/** One whose other end never answers. */
export function hungThread(): GpuThread & { readonly received: unknown[] } {
  const { port1, port2 } = new MessageChannel();
  const received: unknown[] = [];
  (port2 as MessagePort).on('message', (message) => received.push(message));
  return { link: workerThreadsTransport(port1), kill: () => port2.close(), received };
}

/** The CPU instead of a GPU, which computes exactly what it computes without the connection. */
export const createOnKernels: NonNullable<ServeGpuOptions['create']> = (program, reader, { cells, kvCacheType }) =>
  createWasmExecutor(program, reader, { kernels: testKernels(), cells, kvCacheType });
