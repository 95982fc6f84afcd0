/** WebGPU in Node: Dawn, from the optional package `webgpu`. */
import { EngineError } from '../../engine/api/errors.ts';
import type { Gpu } from '../../engine/api/gpu.ts';

interface Dawn {
  create(options: string[]): Gpu;
}

// A variable, so that bundlers leave the import alone: the package has native code and may be missing.
const PACKAGE: string = 'webgpu';
let opened: Promise<Gpu> | undefined;

/**
 * Opened once, and never closed: Dawn must outlive all its objects.
 * @throws EngineError BACKEND_LOST when the package is not installed
 */
export function nodeGpu(): Promise<Gpu> {
  opened ??= openDawn();
  return opened;
}

async function openDawn(): Promise<Gpu> {
  try {
    const { create } = (await import(/* @vite-ignore */ PACKAGE)) as Dawn;
    return create([]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(
      'BACKEND_LOST',
      'The webgpu executor needs the npm package “webgpu”, which is not installed or does not run here. Install it with ' +
        `“npm install --no-save webgpu”, or use --executor wasm. (${reason})`,
      {},
      { cause },
    );
  }
}
