/**
 * Finds an Electron to run, or creates one. The npm package `electron` comes without its binary; this searches for it in
 * the order below, and downloads it as the last resort.
 *
 *   npx tsx scripts/electron-runtime.ts          prints the folder
 *   npx tsx scripts/electron-runtime.ts --json   prints the folder, the version and the reason
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FALLBACK_VERSION, fallbackPath, fallbackSupported, isFallback, makeFallback } from './electron-fallback.ts';
import { capture } from './lib/run.ts';
import { readCached, remember } from './lib/user-cache.ts';

export interface ElectronRuntime {
  /** Folder for ELECTRON_OVERRIDE_DIST_PATH. */
  distPath: string;
  /** Absolute path of the program. */
  executable: string;
  version: string;
  /** Whether it is the version from the npm registry instead of the one pinned in package.json. */
  fallback: boolean;
  /** Reason for the choice, in one line. */
  reason: string;
}

const PROBE_TIMEOUT_MS = 3000;
const PROBE_REMEMBERED_MS = 24 * 60 * 60 * 1000;
const PROBE_FILE = 'electron-download.json';

const electronPackage = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
const ownDist = join(electronPackage, 'dist');
const inCi = Boolean(process.env.CI) && process.env.CI !== 'false';

const toStderr = (line: string) => process.stderr.write(`tokenscope: ${line}\n`);

/**
 * @param say reports everything that takes time
 * @throws Error, with what to do, when there is no Electron and none can be created
 */
export async function electronRuntime(say: (line: string) => void = toStderr): Promise<ElectronRuntime> {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (override) return describe(override, 'set by ELECTRON_OVERRIDE_DIST_PATH');
  const pinned = await pinnedVersion();
  if (await installed()) return describe(ownDist, 'installed in node_modules');

  const cached = fallbackSupported ? await fallbackPath() : null;
  if (cached !== null && isFallback(cached)) return describe(cached, fallbackReason(pinned));

  // CI never waits for a download that may be blocked, unless there is no alternative.
  if (!inCi || !fallbackSupported) {
    if (await officialDownloadReachable(pinned)) {
      if (await installOfficial(pinned, say)) return describe(ownDist, 'downloaded by the electron package');
    } else if (!fallbackSupported) {
      throw new Error(
        `Electron ${pinned} is not installed and cannot be downloaded. Run "npx install-electron" ` +
          'with network access, or set ELECTRON_OVERRIDE_DIST_PATH to a folder with an unpacked Electron.',
      );
    }
  }
  if (!fallbackSupported) throw new Error('Electron could not be installed. Run "npx install-electron" to see why.');
  return describe(await makeFallback(say), fallbackReason(pinned));
}

function fallbackReason(pinned: string): string {
  return `using Electron ${FALLBACK_VERSION}, because ${pinned} could not be downloaded`;
}

async function describe(distPath: string, reason: string): Promise<ElectronRuntime> {
  const executable = join(distPath, executableName());
  if (!existsSync(executable)) throw new Error(`Electron was not found in ${distPath}: ${executable} is missing.`);
  const version = await readFile(join(distPath, 'version'), 'utf8').catch(() => 'unknown');
  return { distPath, executable, version: version.trim().replace(/^v/, ''), fallback: isFallback(distPath), reason };
}

function executableName(): string {
  if (process.platform === 'darwin') return 'Electron.app/Contents/MacOS/Electron';
  return process.platform === 'win32' ? 'electron.exe' : 'electron';
}

async function pinnedVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(electronPackage, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

async function installed(): Promise<boolean> {
  // The package writes path.txt last, so a partially unpacked dist/ does not count.
  if (!existsSync(join(electronPackage, 'path.txt'))) return false;
  const version = await readFile(join(ownDist, 'version'), 'utf8').catch(() => '');
  return version.trim().replace(/^v/, '') === (await pinnedVersion()) && existsSync(join(ownDist, executableName()));
}

/** Whether the pinned version, and so electron-builder's tools, which are at the same host, can be downloaded. */
export async function electronDownloadReachable(): Promise<boolean> {
  return await officialDownloadReachable(await pinnedVersion());
}

/** Requests the first bytes; the result is cached for a day, so that a blocked network costs 3 s once. */
async function officialDownloadReachable(version: string): Promise<boolean> {
  // A mirror is a person's explicit choice: no probe, the installer reports its own errors.
  if (process.env.ELECTRON_MIRROR || process.env.npm_config_electron_mirror) return true;
  const remembered = await readCached<boolean>(PROBE_FILE, PROBE_REMEMBERED_MS);
  if (remembered !== null) return remembered;
  const file = `electron-v${version}-${process.platform}-${process.arch}.zip`;
  const url = `https://github.com/electron/electron/releases/download/v${version}/${file}`;
  const reachable = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) }).then(
    (response) => response.ok,
    () => false,
  );
  await remember(PROBE_FILE, reachable);
  return reachable;
}

async function installOfficial(version: string, say: (line: string) => void): Promise<boolean> {
  say(`downloading Electron ${version}`);
  const result = await capture(process.execPath, [join(electronPackage, 'install.js')]);
  if (result.code === 0 && (await installed())) return true;
  say(`the download of Electron ${version} failed: ${result.stderr.trim().split('\n')[0] ?? 'no message'}`);
  return false;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const runtime = await electronRuntime();
    process.stdout.write(`${process.argv.includes('--json') ? JSON.stringify(runtime) : runtime.distPath}\n`);
  } catch (error) {
    toStderr((error as Error).message);
    process.exitCode = 1;
  }
}
