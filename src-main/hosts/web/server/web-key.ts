/**
 * The secret for pages of the web host. It is part of the address that the terminal prints, and stays the same for a data
 * folder, so that a page still works after its host was restarted.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, storageError } from '../../../services/json-file.ts';

const FILE = 'web-key';
/** 32 random bytes as base64url. */
const KEY = /^[\w-]{43}$/;

/**
 * The key of a data folder, created once in a file that only its owner can read. A damaged file, or one that others could
 * read, is replaced.
 * @throws EngineError STORAGE
 */
export async function webKey(folder: string): Promise<string> {
  const path = join(folder, FILE);
  try {
    const stored = await read(path);
    if (stored.state === 'good') return stored.key;
    return await create(folder, path, stored.state === 'bad');
  } catch (error) {
    throw storageError('write', path, error);
  }
}

/** A key for this start only, if none can be stored. */
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
    return this.#now() < open.until;
  }
}

/** Compares in constant time. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

type Stored = { state: 'good'; key: string } | { state: 'bad' } | { state: 'missing' };

async function read(path: string): Promise<Stored> {
  try {
    const [text, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    // Windows has no such bits; its data folder belongs to the user.
    const isPrivate = process.platform === 'win32' || (mode & 0o077) === 0;
    const key = text.trim();
    return KEY.test(key) && isPrivate ? { state: 'good', key } : { state: 'bad' };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { state: 'missing' };
    throw error;
  }
}

async function create(folder: string, path: string, replace: boolean): Promise<string> {
  await mkdir(folder, { recursive: true });
  const key = newKey();
  const own = `${path}.${newKey()}`;
  await writeFile(own, key, { mode: 0o600, flag: 'wx' });
  try {
    if (replace) await rename(own, path);
    // A link is created atomically, and never replaces the key of a faster host.
    else await link(own, path);
    return key;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      const stored = await read(path);
      if (stored.state === 'good') return stored.key;
    }
    // Some file systems have no links.
    await rename(own, path);
    return key;
  } finally {
    await unlink(own).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }
}
