import { compileNodeKernels, type KernelVariant } from '../../hosts/node/kernels.ts';
import type { CompiledKernels } from '../api/platform.ts';

const compiled = new Map<KernelVariant, CompiledKernels>();

/** The built kernels of one variant, as provided by a Node host; each is compiled once. */
export function testKernels(variant: KernelVariant = 'threads'): CompiledKernels {
  const kernels = compiled.get(variant) ?? compileNodeKernels([variant]);
  compiled.set(variant, kernels);
  return kernels;
}
