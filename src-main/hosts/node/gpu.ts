/** WebGPU in Node: Dawn, from the optional package `webgpu`. */
import { EngineError } from '../../engine/api/errors.ts';
import type { Gpu } from '../../engine/api/gpu.ts';

interface Dawn {
  create(options: string[]): Gpu;
}

let opened: Promise<Gpu> | undefined;

/**
 * Opened once, and never closed: Dawn must outlive all its objects.
 * @throws EngineError BACKEND_LOST when the package is not installed, and in Electron, where Dawn cannot map buffers
 */
export function nodeGpu(): Promise<Gpu> {
  opened ??= openDawn('webgpu', process.versions);
  return opened;
}

/** @param name of the package; not a literal, so that bundlers ignore it: it has native code and may be missing */
export async function openDawn(name: string, versions: { readonly electron?: string }): Promise<Gpu> {
  if (versions.electron !== undefined) {
    throw new EngineError(
      'BACKEND_LOST',
      'The terminal of the installed app has no webgpu executor. Use --executor wasm, or the window of the app.',
    );
  }
  try {
    const { create } = (await import(/* @vite-ignore */ name)) as Dawn;
    // Times are in whole 0.1 ms otherwise.
    return create(['disable-dawn-features=timestamp_quantization']);
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
