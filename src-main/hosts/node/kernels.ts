/** The CPU kernels as Node gives them to the engine. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { CompiledKernels } from '../../engine/platform.ts';

export type KernelVariant = 'threads' | 'single' | 'simd';

/** Beside the built code: out/main/ and resources/ have one parent, in the repository and in the installed app. */
const BUILT_KERNELS = new URL('../../resources/kernels/', import.meta.url);

/**
 * Compiles the fastest variant that this Node can run. A page's engine has V8's two compilers for WebAssembly; here only
 * the better one is left on, because the quick one of Node 20 computes relaxed dot products wrongly.
 *
 * @throws Error when a file cannot be read
 */
export function compileNodeKernels(folder = BUILT_KERNELS, variants: readonly KernelVariant[] = ['threads', 'simd']) {
  prepareV8();
  for (const variant of variants) {
    const bytes = readFileSync(new URL(`${variant}.wasm`, folder));
    if (!WebAssembly.validate(bytes)) continue;
    const compiled: CompiledKernels = { module: new WebAssembly.Module(bytes), shared: variant === 'threads' };
    return compiled;
  }
  throw new Error('This version of Node runs no WebAssembly with SIMD.');
}

let prepared = false;

/** Flags count for modules that are compiled later. */
function prepareV8(): void {
  if (prepared) return;
  prepared = true;
  const [major, minor] = process.versions.v8.split('.').map(Number);
  // On by default from V8 11.4 on, which then knows the flag no more.
  if (major < 11 || (major === 11 && minor < 4)) setFlagsFromString('--experimental-wasm-relaxed-simd');
  setFlagsFromString('--no-liftoff');
}
