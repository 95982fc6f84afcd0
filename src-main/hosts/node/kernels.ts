/** The CPU kernels as Node gives them to the engine. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { EngineError } from '../../engine/errors.ts';
import type { CompiledKernels } from '../../engine/platform.ts';

export type KernelVariant = 'threads' | 'wide' | 'single' | 'simd';

/**
 * Compiles the fastest variant that this Node can run. Of V8's two compilers for WebAssembly, the quick one of Node 20
 * computes relaxed dot products wrongly and is turned off there.
 *
 * @throws EngineError BACKEND_LOST when there are none or none runs
 */
export function compileNodeKernels(variants: readonly KernelVariant[] = ['threads', 'simd']): CompiledKernels {
  prepareV8();
  const folder = kernelsFolder();
  for (const variant of variants) {
    const bytes = readFileSync(new URL(`${variant}.wasm`, folder));
    if (!WebAssembly.validate(bytes)) continue;
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    return { variant, module: new WebAssembly.Module(bytes), shared: variant === 'threads' || variant === 'wide', hash };
  }
  throw new EngineError(
    'BACKEND_LOST',
    'This version of Node runs no WebAssembly with SIMD. Load the model with the reference executor.',
  );
}

/** In the parent that the sources, the built code and the installed app's code share with resources/. */
function kernelsFolder(): URL {
  let folder = new URL('./', import.meta.url);
  for (;;) {
    const kernels = new URL('resources/kernels/', folder);
    if (existsSync(kernels)) return kernels;
    const parent = new URL('../', folder);
    if (parent.href === folder.href) {
      throw new EngineError('BACKEND_LOST', 'The CPU kernels are missing: there is no folder resources/kernels.');
    }
    folder = parent;
  }
}

let prepared = false;

/** Flags count for modules that are compiled later. */
function prepareV8(): void {
  if (prepared) return;
  prepared = true;
  const [major, minor] = process.versions.v8.split('.').map(Number);
  // On by default from V8 11.4 on, which then knows the flag no more.
  if (major < 11 || (major === 11 && minor < 4)) setFlagsFromString('--experimental-wasm-relaxed-simd');
  if (major < 12) setFlagsFromString('--no-liftoff');
}
