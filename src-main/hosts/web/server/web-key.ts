/**
 * The secret for pages of the web host. It is part of the address that the terminal prints, and stays the same for a data
 * folder, so that a page still works after its host was restarted.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError } from '../../../engine/api/errors.ts';
import { codeOf, storageError } from '../../../services/json-file.ts';

const FILE = 'web-key';
/** 32 random bytes as base64url. */
const KEY = /^[\w-]{43}$/;

/** The mode of a file. Replaced in tests: some file systems, such as FAT, let everybody read everything. */
type ModeOf = (path: string) => Promise<number>;
const modeOfFile: ModeOf = async (path) => (await stat(path)).mode;

/**
 * The key of a data folder, created once in a file that only its owner can read. A damaged file, or one that others could
 * read, is replaced.
 * @throws EngineError STORAGE, also where others could read every file: nothing is stored there
 */
export async function webKey(folder: string, modeOf = modeOfFile): Promise<string> {
  const path = join(folder, FILE);
  try {
    const stored = await read(path, modeOf);
    if (stored.state === 'good') return stored.key;
    return await store(path, newKey(), { replace: stored.state === 'bad', modeOf });
  } catch (error) {
    throw storageError('write', path, error);
  }
}

/** The stored key, which stays as it is. @throws EngineError STORAGE if there is no valid one */
export async function storedKey(folder: string): Promise<string> {
  const path = join(folder, FILE);
  const stored = await read(path, modeOfFile).catch((error: unknown) => {
    throw storageError('read', path, error);
  });
  if (stored.state === 'good') return stored.key;
  const advice = 'Use the address that Tokenscope printed when it was started.';
  throw new EngineError('STORAGE', `There is no valid key in ${path}. ${advice}`, { path });
}

/** Stores another key. @throws EngineError STORAGE; the old one is gone all the same, unless it cannot be deleted */
export async function replaceKey(folder: string, key: string): Promise<void> {
  const path = join(folder, FILE);
  try {
    await rm(path, { force: true });
    await store(path, key, { replace: true, modeOf: modeOfFile });
  } catch (error) {
    throw storageError('write', path, error);
  }
}

/** A random key, or a code instead of one. */
export function newKey(): string {
  return randomBytes(32).toString('base64url');
}

/** The address that opens the app in a browser. A browser neither sends nor logs what follows `#`. */
export function addressWithKey(origin: string, key: string): string {
  return `${origin}/#key=${key}`;
}

/** The address that opens the app once. */
export function addressWithCode(origin: string, code: string): string {
  return `${origin}/#once=${code}`;
}

/** Validity of an invitation, ms: a browser needs several seconds to start. */
const INVITATION_MS = 60_000;

/**
 * Admits one page without the key in its address. Other users of the computer can see a browser's command line, so its
 * address contains a code that is valid for one page and a short time.
 */
export class Invitations {
  readonly #now: () => number;
  #open: { code: string; until: number } | null = null;
  #taken: { code: string; until: number } | null = null;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Returns the code of a new invitation; an earlier one becomes invalid. */
  invite(): string {
    const code = newKey();
    this.#open = { code, until: this.#now() + INVITATION_MS };
    return code;
  }

  /** Whether a code is valid; it then becomes invalid. */
  take(code: unknown): boolean {
    const open = this.#open;
    if (open === null || typeof code !== 'string' || !isSame(code, open.code)) return false;
    this.#open = null;
    if (this.#now() >= open.until) return false;
    this.#taken = { code, until: this.#now() + INVITATION_MS };
    return true;
  }

  /**
   * Whether a page was admitted with this code before: the right one, or a program that read the code from the command
   * line and was faster. True once, for a minute: later, a browser may restore the tab of this address.
   */
  wasTaken(code: unknown): boolean {
    const taken = this.#taken;
    if (taken === null || typeof code !== 'string' || !isSame(code, taken.code)) return false;
    this.#taken = null;
    return this.#now() < taken.until;
  }
}

/** Compares in constant time. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

type Stored = { state: 'good'; key: string } | { state: 'bad' } | { state: 'missing' };

async function read(path: string, modeOf: ModeOf): Promise<Stored> {
  try {
    const [text, isPrivate] = await Promise.all([readFile(path, 'utf8'), onlyOwnerReads(path, modeOf)]);
    const key = text.trim();
    return KEY.test(key) && isPrivate ? { state: 'good', key } : { state: 'bad' };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { state: 'missing' };
    throw error;
  }
}

async function onlyOwnerReads(path: string, modeOf: ModeOf): Promise<boolean> {
  // Windows has no such bits; its data folder belongs to the user.
  return process.platform === 'win32' || ((await modeOf(path)) & 0o077) === 0;
}

/** @returns the stored key: that of a faster host, unless it is replaced */
async function store(path: string, key: string, options: { replace: boolean; modeOf: ModeOf }): Promise<string> {
  const { replace, modeOf } = options;
  await mkdir(dirname(path), { recursive: true });
  const own = `${path}.${newKey()}`;
  await writeFile(own, key, { mode: 0o600, flag: 'wx' });
  try {
    if (!(await onlyOwnerReads(own, modeOf))) throw new Error('other users of this computer could read it');
    try {
      // A link is created atomically, and never replaces the key of a faster host.
      if (!replace) {
        await link(own, path);
        return key;
      }
    } catch (error) {
      if (codeOf(error) === 'EEXIST') {
        const stored = await read(path, modeOf);
        if (stored.state === 'good') return stored.key;
      }
      // Some file systems have no links.
    }
    await rename(own, path);
    return key;
  } finally {
    await unlink(own).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }
}
