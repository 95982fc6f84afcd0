import { open, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { cachedTestModel } from '../../../scripts/fetch-test-model.ts';
import type { ModelFiles } from '../api/platform.ts';

/**
 * The real model of the tests, SmolLM2-135M-Instruct in Q4_1; null with a warning when it was not fetched.
 * @throws Error in continuous integration, where it is required
 */
export async function testModelPath(): Promise<string | null> {
  const path = await cachedTestModel();
  if (path !== null) return path;
  const reason = 'The test model is not in the cache. Fetch it: node --import tsx scripts/fetch-test-model.ts';
  if (process.env.CI) throw new Error(reason);
  console.warn(`${reason} (98 MB). The tests that need it are left out.`);
  return null;
}

/** One model file on disk, read in place. */
export async function singleFile(path: string): Promise<ModelFiles> {
  const name = basename(path);
  const { size } = await stat(path);
  return {
    id: name,
    names: [name],
    async open() {
      const handle = await open(path);
      return {
        name,
        size,
        async read(offset, length) {
          const bytes = new Uint8Array(length);
          const { bytesRead } = await handle.read(bytes, 0, length, offset);
          return bytes.subarray(0, bytesRead);
        },
        close: () => handle.close(),
      };
    },
  };
}
