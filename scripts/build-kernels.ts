/**
 * Compiles src-main/kernels (AssemblyScript) to resources/kernels/*.wasm.
 *
 *     node --import tsx scripts/build-kernels.ts [--text] [--to FOLDER]     --text: also the text format
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import asc from 'assemblyscript/asc';
import { attention } from './kernels/attention.ts';
import { int8 } from './kernels/int8.ts';
import { indented } from './kernels/text.ts';

const root = resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: { text: { type: 'boolean' }, to: { type: 'string', default: join(root, 'resources', 'kernels') } },
});
const target = resolve(options.to);

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

/** A decorator of a function in a comment: TypeScript, and so the formatter, knows decorators of classes only. */
const DECORATOR = /^\/\/ (@(?:inline|external\(.*\)))$/gm;

/** Modules that templates write, by path. */
const GENERATED: ReadonlyMap<string, string> = new Map([
  ['src-main/kernels/attention/generated.ts', attention()],
  ['src-main/kernels/int8/generated.ts', int8()],
]);

await mkdir(target, { recursive: true });
// For people: the compiler gets them from memory.
const copies = join(root, 'out', '.kernels');
await mkdir(copies, { recursive: true });
for (const [path, text] of GENERATED) {
  await writeFile(join(copies, path.split('/').slice(-2).join('-')), indented(text));
}
for (const [name, features] of Object.entries(VARIANTS)) {
  const { error, stdout, stderr } = await asc.main(
    [
      join('src-main', 'kernels', 'index.ts'),
      ...['--baseDir', root, '--outFile', join(target, `${name}.wasm`)],
      ...(options.text ? ['--textFile', join(target, `${name}.wat`)] : []),
      ...['-O3', '--noAssert', '--runtime', 'stub'],
      // The engine provides the memory; its limits are those of 32-bit addresses.
      ...['--importMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
      ...['--enable', 'simd', '--enable', 'bulk-memory', '--disableWarning', '112'],
      ...['--use', `WIDE=${name === 'wide' ? 1 : 0}`],
      ...features,
    ],
    { readFile: readSource },
  );
  const output = `${stdout.toString()}${stderr.toString()}`.trim();
  if (error || output) throw new Error(`src-main/kernels (${name}): ${output || error?.message}`);
}

/** What the compiler reads; null when there is no such file. */
async function readSource(name: string, folder: string): Promise<string | null> {
  const text = GENERATED.get(name) ?? (await readFile(resolve(folder, name), 'utf8').catch(() => null));
  return text && text.replace(DECORATOR, '$1');
}
