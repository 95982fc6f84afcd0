import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { CompiledKernels } from '../platform.ts';

/** The built kernels of one variant, as a Node host gives them. */
export function testKernels(variant: 'threads' | 'single' | 'simd' = 'threads'): CompiledKernels {
  // Node 20 has relaxed SIMD behind this flag; later ones know it no more and ignore it.
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  const path = new URL(`../../../resources/kernels/${variant}.wasm`, import.meta.url);
  return { module: new WebAssembly.Module(readFileSync(path)), shared: variant === 'threads' };
}
