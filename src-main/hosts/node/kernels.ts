/** Provides the CPU kernels in Node. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { EngineError } from '../../engine/api/errors.ts';
import type { CompiledKernels } from '../../engine/api/platform.ts';

export type KernelVariant = 'threads' | 'wide' | 'single' | 'simd';

/**
 * Compiles the fastest variant that this Node can run, with `wide` for `threads` if V8 generates wider instructions for
 * it. V8's baseline WebAssembly compiler in Node 20 computes relaxed dot products wrongly and is turned off there.
 *
 * @throws EngineError BACKEND_LOST when there are none or none runs
 */
export function compileNodeKernels(variants: readonly KernelVariant[] = ['threads', 'simd']): CompiledKernels {
  const wide = prepareV8();
  for (const variant of variants) {
    const bytes = readKernels(variant);
    if (!WebAssembly.validate(bytes)) continue;
    const wideBytes = wide && variant === 'threads' ? readKernels('wide') : null;
    const hash = createHash('sha256').update(bytes);
    if (wideBytes) hash.update(wideBytes);
    return {
      variant,
      module: new WebAssembly.Module(bytes),
      wide: wideBytes ? new WebAssembly.Module(wideBytes) : undefined,
      shared: variant === 'threads' || variant === 'wide',
      hash: hash.digest('hex').slice(0, 16),
    };
  }
  throw new EngineError(
    'BACKEND_LOST',
    'This version of Node does not support WebAssembly SIMD. Use a newer one, or --executor reference.',
  );
}

function readKernels(variant: KernelVariant): Uint8Array<ArrayBuffer> {
  return readFileSync(new URL(`${variant}.wasm`, kernelsFolder()));
}

/** In the common parent of resources/ and the sources, the built code or the installed app's code. */
function kernelsFolder(): URL {
  let folder = new URL('./', import.meta.url);
  for (;;) {
    const kernels = new URL('resources/kernels/', folder);
    if (existsSync(kernels)) return kernels;
    const parent = new URL('../', folder);
    if (parent.href === folder.href) {
      throw new EngineError(
        'BACKEND_LOST',
        'The CPU kernels are missing: the folder resources/kernels does not exist.',
      );
    }
    folder = parent;
  }
}

let widening: boolean | null = null;

/**
 * Sets flags, which apply to modules compiled later.
 * @returns whether V8 generates 256-bit instructions
 */
function prepareV8(): boolean {
  if (widening !== null) return widening;
  const [major, minor] = process.versions.v8.split('.').map(Number);
  // On by default from V8 11.4 on, where the flag no longer exists.
  if (major < 11 || (major === 11 && minor < 4)) setFlagsFromString('--experimental-wasm-relaxed-simd');
  if (major < 12) setFlagsFromString('--no-liftoff');
  // x64 only. V8's pass for them is part of Turboshaft, which compiles WebAssembly from V8 13.6 on, or earlier if a flag
  // is set at program start.
  const turboshaft = major > 13 || (major === 13 && minor >= 6) || process.execArgv.includes('--turboshaft-wasm');
  widening = process.arch === 'x64' && turboshaft && !checksAddresses();
  if (widening) setFlagsFromString('--experimental-wasm-revectorize');
  return widening;
}

/** Whether code checks every address before use, which prevents V8 from widening: see decision 11. */
function checksAddresses(): boolean {
  const electron = Number(process.versions.electron?.split('.')[0] ?? Infinity);
  return electron < 40 && (process as { type?: string }).type === 'utility';
}

/**
 * Flags for an Electron that runs as Node, so that the kernels' vectors become 256 bits wide: later versions compile
 * WebAssembly with Turboshaft by default.
 */
export function electronKernelFlags(version: string): string[] {
  return version.startsWith('33.') ? ['--turboshaft-wasm'] : [];
}
