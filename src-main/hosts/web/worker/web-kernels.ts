/** The CPU kernels as a browser gives them to the engine. */
import { EngineError } from '../../../engine/api/errors.ts';
import type { CompiledKernels } from '../../../engine/api/platform.ts';

/**
 * Fetches and compiles the fastest variant that this page can use: threads need shared memory, which browsers give to
 * isolated pages only.
 * @throws EngineError BACKEND_LOST when none runs or none can be fetched
 */
export async function compileWebKernels(isolated: boolean, fetchFile: typeof fetch = fetch): Promise<CompiledKernels> {
  for (const variant of isolated ? ['threads', 'simd'] : ['single', 'simd']) {
    const bytes = await fetchKernels(`/kernels/${variant}.wasm`, fetchFile);
    if (!WebAssembly.validate(bytes)) continue;
    const [module, hash] = await Promise.all([WebAssembly.compile(bytes), hashOf(bytes)]);
    return { variant, module, shared: variant === 'threads', ...hash };
  }
  throw new EngineError('BACKEND_LOST', 'This browser does not support WebAssembly SIMD. Use a newer browser.');
}

async function fetchKernels(url: string, fetchFile: typeof fetch): Promise<ArrayBuffer> {
  try {
    const response = await fetchFile(url);
    if (response.ok) return await response.arrayBuffer();
    throw new Error(`the server responded with ${response.status}.`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('BACKEND_LOST', `Cannot fetch the CPU kernels ${url}: ${reason}`, { file: url }, { cause });
  }
}

/** Absent on insecure origins, where browsers do not hash. */
async function hashOf(bytes: ArrayBuffer): Promise<{ hash?: string }> {
  if (!globalThis.isSecureContext) return {};
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return { hash: Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('') };
}
