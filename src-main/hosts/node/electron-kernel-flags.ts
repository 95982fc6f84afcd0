/**
 * Flags for an Electron that runs as Node, so that the kernels' vectors become 256 bits wide: later versions compile
 * WebAssembly with Turboshaft by default.
 */
export function electronKernelFlags(version: string): string[] {
  return version.startsWith('33.') ? ['--turboshaft-wasm'] : [];
}
