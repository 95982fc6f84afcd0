import type { ModelFiles, PrefixStore } from '../api/platform.ts';
import type { Executor } from '../executors/executor.ts';
import type { Program } from '../program/program.ts';
import { BLOCK_FORMAT, hex } from './blocks.ts';

/** Parts of a file that are hashed: hashing gigabytes at each start would take longer than it saves. */
const SAMPLES = 8;
const SAMPLE_BYTES = 65_536;

/**
 * Everything that K and V of a sequence of ids depend on: the model's files, its program, how they are computed and stored.
 * Changed files have another stamp (size and time of change); the sampled parts tell apart files without one.
 * @param names of the files that were opened
 */
export async function modelKey(
  { sha256, machine }: Pick<PrefixStore, 'sha256' | 'machine'>,
  files: ModelFiles,
  names: readonly string[],
  program: Program,
  executor: Executor,
): Promise<string> {
  const content: unknown[] = [];
  for (const name of names) content.push(name, ...(await sampled(sha256, files, name)));
  const { kernels } = executor;
  // What is measured when a model is loaded (threads, streams, width of sums) does not change the bits.
  const computed = kernels === null ? null : [kernels.revision, kernels.kvCacheType];
  const ops = program.ops.map(({ op, attributes }) => [op, attributes]);
  const from = [files.stamp ?? null, content];
  const key = [BLOCK_FORMAT, machine, from, executor.name, computed, ops, program.kvWidths];
  return hex(await sha256(new TextEncoder().encode(JSON.stringify(key))));
}

async function sampled(sha256: PrefixStore['sha256'], files: ModelFiles, name: string): Promise<unknown[]> {
  const source = await files.open(name);
  try {
    const { size } = source;
    // All at once, because a load waits for them: hosts read and hash in other threads or processes.
    const hashing = offsetsIn(size).map(async (at) => {
      return hex(await sha256(await source.read(at, Math.min(SAMPLE_BYTES, size))));
    });
    return [size, await Promise.all(hashing)];
  } finally {
    await source.close?.();
  }
}

/** Where samples begin: the first bytes, the last bytes, and some in between. */
function offsetsIn(size: number): number[] {
  if (size <= SAMPLE_BYTES) return [0];
  return Array.from({ length: SAMPLES }, (_, i) => Math.floor((i / (SAMPLES - 1)) * (size - SAMPLE_BYTES)));
}
