/**
 * `npm run dist`: installers for this system in dist/, with SHA256SUMS and a bill of materials.
 *
 *   npm run dist -- [--target deb,AppImage] [--helpers]
 *
 * --target: some of what this system's row in scripts/release/targets.ts has; default all.
 * --helpers: use the system's packaging tools, even if electron-builder's own can be downloaded.
 */
import { Arch, build, Platform } from 'electron-builder';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import config, { signingNotes } from '../electron-builder.config.ts';
import manifest from '../package.json' with { type: 'json' };
import { HELPER_PACKAGES, prepareHelpers } from './release/helpers.ts';
import { buildNsis } from './release/nsis.ts';
import { makeResources, release } from './release/resources.ts';
import { sbom, SBOM_FILE } from './release/sbom.ts';
import { deleteEmpty } from './release/signing-variables.ts';
import { artifactName, chosenTargets, type DistPlatform } from './release/targets.ts';
import { electronDownloadReachable, electronRuntime } from './electron-runtime.ts';
import { ensureBuilt } from './ensure-built.mjs';
import { root } from './lib/run.ts';
import { ensurePackages } from './system-packages.ts';

const DIST = join(root, 'dist');
const SUMS_FILE = 'SHA256SUMS';

export interface DistOptions {
  /** Default all of this system. */
  targets?: string | undefined;
  /** Never downloads tools. */
  helpers?: boolean | undefined;
  say?: (line: string) => void;
}

/** @returns paths of the installers */
export async function dist({ targets: list, helpers, say = console.log }: DistOptions = {}): Promise<string[]> {
  deleteEmpty(process.env);
  const targets = chosenTargets(process.platform, list);
  const platform = process.platform as DistPlatform;
  const arch = platform === 'darwin' ? 'universal' : process.arch;
  await ensureBuilt(['main', 'app'], { say });
  const packages = await makeResources(release());
  await rm(DIST, { recursive: true, force: true });
  for (const note of signingNotes(platform)) say(note);

  const name = artifactName(platform, arch).replace('${name}', 'tokenscope').replace('${version}', manifest.version);
  const downloads = !helpers && (await electronDownloadReachable());
  const runtime = downloads ? null : await electronRuntime(say);
  if (runtime !== null) await useHelpers(targets, say);
  // electron-builder's own NSIS files are a download too.
  const ownNsis = runtime !== null && targets.includes('nsis');
  const built = ownNsis ? ['dir', ...targets.filter((target) => target !== 'nsis')] : targets;
  await build({
    projectDir: root,
    targets: Platform.current().createTarget(built, Arch[arch as keyof typeof Arch]),
    config: {
      ...config,
      artifactName: artifactName(platform, arch),
      ...(runtime === null ? {} : { electronDist: runtime.distPath, electronVersion: runtime.version }),
    },
  });
  if (ownNsis) {
    const output = join(DIST, name.replace('${ext}', 'exe'));
    await buildNsis({ payload: join(DIST, 'win-unpacked'), version: manifest.version, output });
  }

  const electronVersion = runtime?.version ?? manifest.devDependencies.electron;
  const bill = sbom({ app: manifest, electronVersion, packages, at: release().date });
  await writeFile(join(DIST, name.replace('${ext}', SBOM_FILE)), bill);
  return await finish(say);
}

/** Lets electron-builder find the tools that it cannot download. */
async function useHelpers(targets: readonly string[], say: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux') return;
  const missing = await ensurePackages(HELPER_PACKAGES, say);
  if (missing.length > 0) throw new Error(missing.join('\n'));
  Object.assign(process.env, await prepareHelpers(join(root, 'out', '.dist', 'tools'), targets));
  say('electron-builder’s tools cannot be downloaded: using dpkg-deb, rpmbuild, mksquashfs and 7z instead');
}

/** Removes what electron-builder leaves beside the installers, and writes their hashes. */
async function finish(say: (line: string) => void): Promise<string[]> {
  const names = (await readdir(DIST)).sort();
  for (const name of names.filter((one) => /^builder-|\.blockmap$|^latest.*\.yml$/.test(one))) {
    await rm(join(DIST, name));
  }
  const files = names.filter((name) => name.startsWith('tokenscope-') && !name.endsWith('.blockmap'));
  const lines = await Promise.all(files.map(async (name) => `${await sha256(join(DIST, name))}  ${name}\n`));
  await writeFile(join(DIST, SUMS_FILE), lines.join(''));
  for (const name of files) say(`${name}: ${((await stat(join(DIST, name))).size / 1e6).toFixed(1)} MB`);
  return files.filter((name) => !name.endsWith('.json')).map((name) => join(DIST, name));
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { target: { type: 'string' }, helpers: { type: 'boolean' } } });
  try {
    await dist({ targets: values.target, helpers: values.helpers });
  } catch (error) {
    process.stderr.write(`tokenscope: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
