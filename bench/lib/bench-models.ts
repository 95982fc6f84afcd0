/** The benchmarked files: SmolLM2 as published, versions by `tokenscope quantize`, and random weights in larger shapes. */
import { existsSync } from 'node:fs';
import { fetchTestModel } from '../../scripts/fetch-test-model.ts';
import { withLock } from '../../scripts/lib/lock.mjs';
import { type Mix, SHAPES, writeRandomModel } from '../../scripts/lib/random-model.ts';
import { userCache } from '../../scripts/lib/user-cache.ts';
import { writeCompletely } from '../../scripts/lib/write-completely.ts';
import { readGguf } from '../../src-main/engine/formats/gguf/gguf-file.ts';
import { quantizeModel } from '../../src-main/engine/index.ts';
import { openFileByteSource } from '../../src-main/hosts/node/file-byte-source.ts';
import { openModelPath } from '../../src-main/hosts/node/model-path.ts';

/** Increment when the quantiser's output, or the random weights, change. */
const VERSION = 1;

export const FILE_TYPES = ['Q4_1', 'Q4_0', 'Q8_0', 'Q4_K', 'Q6_K', 'F16'] as const;
export type FileType = (typeof FILE_TYPES)[number];

export const LARGE_TYPES = ['1B Q4_K_M', '1B Q8_0', '4B Q4_K_M'] as const;
export type LargeType = (typeof LARGE_TYPES)[number];

/** @returns the file's path; a missing file is fetched or created, and stays in the user's cache */
export async function benchModel(type: FileType, say: (line: string) => void): Promise<string> {
  const source = await fetchTestModel(say);
  if (type === 'Q4_1') return source;
  return unlessExists(`SmolLM2-135M-Instruct.${type}.v${VERSION}.gguf`, async (path) => {
    say(`writing SmolLM2 as ${type}`);
    await writeCompletely(path, async (file) => {
      const write = async (bytes: Uint8Array) => void (await file.writeFile(bytes));
      await quantizeModel(await openModelPath(source), type, { write });
    });
  });
}

/** @returns path of a file of 0.8 to 2.5 GB with random weights, which stays in the user's cache once it was written */
export async function largeModel(type: LargeType, say: (line: string) => void): Promise<string> {
  const [shape, mix] = type.split(' ') as [keyof typeof SHAPES, Mix];
  return unlessExists(`random-${shape}.${mix}.v${VERSION}.gguf`, async (path) => {
    say(`writing random weights as ${type}`);
    const source = await openFileByteSource(await fetchTestModel(say));
    try {
      await writeRandomModel(path, SHAPES[shape], mix, await readGguf(source));
    } finally {
      await source.close?.();
    }
  });
}

async function unlessExists(name: string, write: (path: string) => Promise<void>): Promise<string> {
  const path = userCache('models', name);
  await withLock(`${path}.lock`, async () => {
    if (!existsSync(path)) await write(path);
  });
  return path;
}
