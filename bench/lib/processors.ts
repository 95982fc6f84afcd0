/**
 * Kinds of x86 processors that a newer one can act as: llama.cpp gets the CPU library that it would choose there, and V8
 * uses AVX-VNNI only if that processor has it. Clock, caches and memory remain those of this machine.
 */
import { cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../../scripts/lib/run.ts';

/** Named as llama.cpp names its libraries. Every processor with VNNI but without AVX-VNNI has it in AVX-512 only, which V8 does not use. */
export const PROCESSORS = {
  haswell: { avxVnni: false, says: 'AVX2' },
  icelake: { avxVnni: false, says: 'AVX-512 with VNNI' },
  alderlake: { avxVnni: true, says: 'AVX2 with AVX-VNNI' },
} as const;

export type Processor = keyof typeof PROCESSORS;

export const processorNames = Object.keys(PROCESSORS) as Processor[];

/** V8's flags. */
export function flagsFor(processor: Processor | null): string[] {
  return processor === null || PROCESSORS[processor].avxVnni ? [] : ['--no-enable-avx-vnni'];
}

const MODULES = join(root, 'bench', 'node_modules');

/**
 * The folder of node-llama-cpp, with no other CPU library than the processor's; copied when first needed. It lies in
 * `node_modules`, where its dependencies are found.
 * @throws Error if the installed programs have no such library
 */
export async function llamaFolder(processor: Processor): Promise<string> {
  const copy = join(MODULES, '.processors', processor);
  const folder = join(copy, 'node_modules', 'node-llama-cpp');
  if (existsSync(folder)) return folder;
  const programs = join(
    '@node-llama-cpp',
    `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`,
  );
  const source = join(MODULES, programs);
  await expectLibrary(source, processor);
  const isOtherLibrary = (path: string) =>
    /ggml-cpu-\w+\.(so|dll)$/.test(path) && !path.includes(`ggml-cpu-${processor}.`);
  await mkdir(dirname(copy), { recursive: true });
  const temporary = await mkdtemp(`${copy}-`);
  try {
    const modules = join(temporary, 'node_modules');
    await cp(source, join(modules, programs), { recursive: true, filter: (path) => !isOtherLibrary(path) });
    await cp(join(MODULES, 'node-llama-cpp'), join(modules, 'node-llama-cpp'), { recursive: true });
    await rename(temporary, copy);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

async function expectLibrary(folder: string, processor: Processor): Promise<void> {
  const files = await readdir(folder, { recursive: true });
  if (files.some((file) => file.includes(`ggml-cpu-${processor}.`))) return;
  throw new Error(`node-llama-cpp has no library for ${processor} in ${folder}.`);
}
