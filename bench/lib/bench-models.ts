/** The benchmarked files: SmolLM2 as published, and versions by `tokenscope quantize`. */
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { fetchTestModel } from '../../scripts/fetch-test-model.ts';
import { withLock } from '../../scripts/lib/lock.mjs';
import { userCache } from '../../scripts/lib/user-cache.ts';
import { quantizeModel } from '../../src-main/engine/index.ts';
import { openModelPath } from '../../src-main/hosts/node/model-path.ts';

/** Increment when the quantiser's output changes. */
const VERSION = 1;

export const FILE_TYPES = ['Q4_1', 'Q4_0', 'Q8_0', 'Q4_K', 'Q6_K', 'F16'] as const;
export type FileType = (typeof FILE_TYPES)[number];

/** @returns the file's path; a missing file is fetched or created, and stays in the user's cache */
export async function benchModel(type: FileType, say: (line: string) => void): Promise<string> {
  const source = await fetchTestModel(say);
  if (type === 'Q4_1') return source;
  const path = userCache('models', `SmolLM2-135M-Instruct.${type}.v${VERSION}.gguf`);
  await withLock(`${path}.lock`, async () => {
    if (existsSync(path)) return;
    say(`writing SmolLM2 as ${type}`);
    await quantizeTo(source, type, path);
  });
  return path;
}

async function quantizeTo(source: string, type: FileType, path: string): Promise<void> {
  const part = `${path}.part`;
  const file = await open(part, 'w');
  try {
    await quantizeModel(await openModelPath(source), type, {
      write: async (bytes) => void (await file.writeFile(bytes)),
    });
    await file.close();
    await rename(part, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}
