/**
 * Compiles src-main/kernels (AssemblyScript) to resources/kernels/*.wasm.
 *
 *     node --import tsx scripts/build-kernels.ts [--text]     --text: also the text format
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import asc from 'assemblyscript/asc';

const root = resolve(import.meta.dirname, '..');
const target = join(root, 'resources', 'kernels');

/** Features by file name. A host uses the first one that its WebAssembly and its page support. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  // Memory shared by threads.
  threads: ['--sharedMemory', '--enable', 'threads', '--enable', 'relaxed-simd'],
  // The same, in a form that V8 compiles to one 256-bit instruction per two of 128 bits.
  wide: ['--sharedMemory', '--enable', 'threads', '--enable', 'relaxed-simd'],
  // Pages without SharedArrayBuffer.
  single: ['--enable', 'relaxed-simd'],
  // Engines without relaxed SIMD.
  simd: [],
};

await mkdir(target, { recursive: true });
for (const [name, features] of Object.entries(VARIANTS)) {
  const { error, stdout, stderr } = await asc.main([
    join('src-main', 'kernels', 'index.ts'),
    ...['--baseDir', root, '--outFile', join('resources', 'kernels', `${name}.wasm`)],
    ...(process.argv.includes('--text') ? ['--textFile', join('resources', 'kernels', `${name}.wat`)] : []),
    ...['-O3', '--noAssert', '--runtime', 'stub'],
    // The engine provides the memory; its limits are those of 32-bit addresses.
    ...['--importMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ...['--enable', 'simd', '--enable', 'bulk-memory', '--disableWarning', '112'],
    ...['--use', `WIDE=${name === 'wide' ? 1 : 0}`],
    ...features,
  ]);
  const output = `${stdout.toString()}${stderr.toString()}`.trim();
  if (error || output) throw new Error(`src-main/kernels (${name}): ${output || error?.message}`);
}
