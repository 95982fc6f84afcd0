/**
 * The trial of a new version: from its installation until it has started once. If it does not, the old one is offered. Only
 * Node's files are used here, because this runs before anything else of the app.
 */
import {
  closeSync,
  existsSync,
  fsync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export interface Trial {
  /** The new version. */
  version: string;
  previousVersion: string;
  /** The file or folder that was replaced. */
  target: string;
  /** Where the old one is. */
  previous: string;
  /** Starts of the new version so far. */
  starts: number;
  /** The process of the last start; null before the first. */
  pid: number | null;
  /** When that was, ms since 1970; 0 before the first. */
  startedAt: number;
}

/** A start that takes longer has failed, even if its process still runs, ms. */
const START_MS = 60_000;

function trialPath(dataFolder: string): string {
  return join(dataFolder, 'updates', 'trial.json');
}

/** @returns null if there is none, or if it cannot be read */
export function readTrial(dataFolder: string): Trial | null {
  try {
    const value = JSON.parse(readFileSync(trialPath(dataFolder), 'utf8')) as unknown;
    return isTrial(value) ? value : null;
  } catch {
    // A start must not fail because of it.
    return null;
  }
}

export function writeTrial(dataFolder: string, trial: Trial): void {
  const path = trialPath(dataFolder);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(trial), { flush: true });
  renameSync(`${path}.new`, path);
}

/**
 * Counts a start of this version.
 * @returns the trial if an earlier start of this version did not succeed
 */
export function beginTrial(dataFolder: string, version: string): Trial | null {
  const trial = readTrial(dataFolder);
  if (trial?.version !== version) return null;
  // A second start while the first is not finished. Later, the first hangs, or its number belongs to another process.
  const isRecent = Date.now() - trial.startedAt < START_MS;
  if (isRecent && trial.pid !== null && isAlive(trial.pid)) return null;
  try {
    writeTrial(dataFolder, { ...trial, starts: trial.starts + 1, pid: process.pid, startedAt: Date.now() });
  } catch {
    // A full disk must not stop the start either.
    return null;
  }
  return trial.starts > 0 ? trial : null;
}

/** The start that this process has counted only found the app running. */
export function uncountStart(dataFolder: string, version: string): void {
  const trial = readTrial(dataFolder);
  if (trial?.version !== version || trial.pid !== process.pid) return;
  try {
    writeTrial(dataFolder, { ...trial, starts: trial.starts - 1, pid: null });
  } catch {
    // At worst, the old version is offered without need.
  }
}

/** The app has started: the old version is deleted. @throws Error */
export function endTrial(dataFolder: string, version: string): void {
  const trial = readTrial(dataFolder);
  if (trial?.version !== version) return;
  // At once, because the app may quit before the rest is deleted.
  rmSync(trialPath(dataFolder), { force: true });
  keepOthers(trial.previous, trial.target);
  deleteVersion(trial.previous);
}

/** Deletes a version, if it is there. @throws Error */
export function deleteVersion(path: string): void {
  withPlainArchives(() => rmSync(path, { recursive: true, force: true }));
}

/** Waits until a version is on the disk: a power cut must not leave empty files in its place. @throws Error */
export async function syncVersion(path: string): Promise<void> {
  for (const file of withPlainArchives(() => filesIn(path))) {
    const opened = withPlainArchives(() => openSync(file, 'r'));
    try {
      await promisify(fsync)(opened);
    } finally {
      closeSync(opened);
    }
  }
}

function filesIn(path: string): string[] {
  const found = lstatSync(path);
  if (found.isDirectory()) return readdirSync(path).flatMap((name) => filesIn(join(path, name)));
  return found.isFile() ? [path] : [];
}

/**
 * Electron takes an archive in a version for a folder, and then can neither delete nor open it. Synchronous, because the
 * app itself is in an archive that nothing can read meanwhile.
 */
function withPlainArchives<T>(work: () => T): T {
  const electron = process as typeof process & { noAsar?: boolean };
  electron.noAsar = true;
  try {
    return work();
  } finally {
    electron.noAsar = false;
  }
}

/** Puts the new version at the target, and keeps the old one beside it. @throws Error with the old one in place */
export function replace(target: string, prepared: string, previous: string): void {
  keepOthers(previous, target);
  deleteVersion(previous);
  renameSync(target, previous);
  try {
    renameSync(prepared, target);
  } catch (error) {
    renameSync(previous, target);
    throw error;
  }
  try {
    keepOthers(previous, target);
  } catch {
    // Tried again before the old version is deleted.
  }
}

/** Puts the old version back. @throws Error if it is gone */
export function rollBack(dataFolder: string, { target, previous }: Trial): void {
  const failed = `${target}.failed`;
  replace(target, previous, failed);
  keepOthers(failed, target);
  deleteVersion(failed);
  rmSync(trialPath(dataFolder), { force: true });
}

/** Moves what only the first folder has: a person may keep models beside the program. @throws Error */
function keepOthers(from: string, to: string): void {
  if (!existsSync(from) || !statSync(from).isDirectory()) return;
  for (const name of readdirSync(from)) {
    if (!existsSync(join(to, name))) renameSync(join(from, name), join(to, name));
  }
}

function isTrial(value: unknown): value is Trial {
  if (typeof value !== 'object' || value === null) return false;
  const { version, previousVersion, target, previous, starts, pid, startedAt } = value as Record<string, unknown>;
  const texts = [version, previousVersion, target, previous];
  return (
    texts.every((text) => typeof text === 'string' && text !== '') &&
    Number.isSafeInteger(starts) &&
    Number.isSafeInteger(startedAt) &&
    (pid === null || Number.isSafeInteger(pid))
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
