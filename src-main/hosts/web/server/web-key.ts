/**
 * The secret that lets a page use the web host. It is part of the address that the terminal prints, and it stays the
 * same for a data folder, so that a page goes on working when its host was started again.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, storageError } from '../../../services/json-file.ts';

const FILE = 'web-key';
/** 32 random bytes as base64url. */
const KEY = /^[\w-]{43}$/;

/**
 * The key of a data folder; made once, in a file that only its owner can read. A file that is damaged, or that others
 * could read, is replaced.
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

/** A key for this start only, where none can be kept. */
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

/** How long an invitation is valid, ms: a browser needs some seconds to start. */
const INVITATION_MS = 60_000;

/**
 * Lets one page in without the key in its address. Other users of the computer can see the command line of a browser, so
 * the address that it is started with holds a code that is good for one page and a short time.
 */
export class Invitations {
  readonly #now: () => number;
  #open: { code: string; until: number } | null = null;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The code of a new invitation; an earlier one is void. */
  invite(): string {
    const code = newKey();
    this.#open = { code, until: this.#now() + INVITATION_MS };
    return code;
  }

  /** Whether a code is good; it is not any more afterwards. */
  take(code: unknown): boolean {
    const open = this.#open;
    if (open === null || typeof code !== 'string' || !isSame(code, open.code)) return false;
    this.#open = null;
    return this.#now() < open.until;
  }
}

/** Takes the same time wherever the first difference is. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

type Stored = { state: 'good'; key: string } | { state: 'bad' } | { state: 'missing' };

async function read(path: string): Promise<Stored> {
  try {
    const [text, { mode }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    // Windows has no such bits; there the data folder is the user's own.
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
    // A link appears whole or not at all, and never replaces the key of a host that was faster.
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
