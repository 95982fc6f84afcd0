/** The folder for Chromium's files, and whether the data folder that contains it can be used at all. */
import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_DIR_VARIABLE } from '../services/data-folder.ts';
import { storageError } from '../services/json-file.ts';

/** Separate from chats and settings. @returns its path @throws Error, for people, if it cannot be created */
export function createSessionFolder(dataFolder: string): string {
  const path = join(dataFolder, 'session');
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw unusable(path, error);
  }
  return path;
}

/** Of Chromium, on Linux and macOS: a link that names the process of the running app. */
const LOCK = 'SingletonLock';

/** @throws Error, for people, if the app is not running and its lock cannot be created in the data folder */
export function requireLockable(dataFolder: string): void {
  try {
    if (lstatSync(join(dataFolder, LOCK), { throwIfNoEntry: false }) !== undefined) return;
    accessSync(dataFolder, constants.W_OK);
  } catch (error) {
    throw unusable(dataFolder, error);
  }
}

function unusable(path: string, error: unknown): Error {
  const { message } = storageError('write', path, error);
  const advice = `To keep chats and settings elsewhere, set ${DATA_DIR_VARIABLE} to another folder.`;
  return new Error(`${message} ${advice}`, { cause: error });
}
