/** Installs a downloaded and verified update while the app quits. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CLI_SWITCH, PAGELESS_SWITCHES } from '../../protocol/app/start-switches.ts';
import { sha256OfFile } from '../models/sha256-file.ts';
import type { Installation } from './installation.ts';
import { deleteVersion, replace, syncVersion, writeTrial } from './trial.ts';

const run = promisify(execFile);

/** Longest time that a new version takes to say its version, ms. */
const TRY_MS = 30_000;

export interface ReadyUpdate {
  version: string;
  /** The downloaded file, and what its hash was then. */
  file: string;
  sha256: string;
}

export interface ApplyOptions {
  dataFolder: string;
  currentVersion: string;
  installation: Exclude<Installation, { kind: 'other' }>;
  /** Asked right before an installer starts: whether it starts the app again. Default false. */
  restarts?(): boolean;
}

/**
 * @returns whether an installer replaces the app from now on
 * @throws Error with the old version still in place
 */
export async function applyUpdate({ version, file, sha256 }: ReadyUpdate, options: ApplyOptions): Promise<boolean> {
  const { dataFolder, currentVersion, installation } = options;
  if ((await sha256OfFile(file)) !== sha256) {
    throw new Error(`${file} has changed since it was downloaded. Download it again.`);
  }
  if (installation.kind === 'exe') {
    // After a second, it ends every process of the app, whichever version that is.
    const args = ['/S', '--updated', ...(options.restarts?.() ? ['--force-run'] : [])];
    const installer = spawn(file, args, { detached: true, stdio: 'ignore' });
    await once(installer, 'spawn');
    installer.unref();
    return true;
  }
  const { target, program } = installation;
  const prepared = `${target}.new`;
  const previous = `${target}.previous`;
  deleteVersion(prepared);
  try {
    if (installation.kind === 'AppImage') {
      await copyFile(file, prepared);
      await chmod(prepared, 0o755);
      await requireVersion(prepared, version);
    } else {
      await unpack(file, prepared);
      await requireVersion(join(prepared, program.slice(target.length + 1)), version);
    }
    await syncVersion(prepared);
    const trial = { version, previousVersion: currentVersion, target, previous };
    writeTrial(dataFolder, { ...trial, starts: 0, pid: null, startedAt: 0 });
    replace(target, prepared, previous);
  } finally {
    deleteVersion(prepared);
  }
  await rm(file, { force: true });
  return false;
}

/** The archive has one folder. */
async function unpack(file: string, prepared: string): Promise<void> {
  const folder = `${prepared}.unpacked`;
  // Of an earlier update that was interrupted.
  deleteVersion(folder);
  await mkdir(folder, { mode: 0o700 });
  try {
    await run('tar', ['-xzf', file, '-C', folder, '--no-same-owner']);
    const [root, ...others] = await readdir(folder);
    if (root === undefined || others.length > 0) throw new Error('The archive must contain exactly one folder.');
    await rename(join(folder, root), prepared);
  } finally {
    deleteVersion(folder);
  }
}

/** A version that cannot even say its name is not installed. @throws Error */
async function requireVersion(program: string, version: string): Promise<void> {
  const args = [CLI_SWITCH, ...PAGELESS_SWITCHES, '--', '--version'];
  const { stdout } = await run(program, args, { timeout: TRY_MS });
  const reported = stdout.trim();
  if (reported !== version) {
    throw new Error(`The downloaded app reports version ${reported.slice(0, 50)} instead of ${version}.`);
  }
}
