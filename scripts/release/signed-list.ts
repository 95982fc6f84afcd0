import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSignedList } from '../../src-main/services/updates/signed-list.ts';

export interface SignedListOptions {
  /** Of the installers. */
  folder: string;
  version: string;
  /** Plain text. */
  notes: string;
  /** Private key, ed25519. */
  key: KeyObject;
  date?: Date;
}

/** The files that the app can install without a package manager. */
const UPDATES = /\.(AppImage|tar\.gz|exe)$/;

/**
 * The list of a release and its signature in Base64, as `src-main/services/updates/signed-list.ts` reads them.
 * @throws Error if the app would refuse them
 */
export async function signedList(options: SignedListOptions): Promise<{ list: string; signature: string }> {
  const { folder, version, notes, key, date = new Date() } = options;
  const prefix = `tokenscope-${version}-`;
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix) && UPDATES.test(name)).sort();
  if (names.length === 0) throw new Error(`There are no installers of version ${version} in ${folder}.`);
  const files = [];
  for (const name of names) {
    const path = join(folder, name);
    files.push({ name, bytes: (await stat(path)).size, sha256: await sha256Of(path) });
  }
  const list = `${JSON.stringify({ format: 1, version, date: date.toISOString(), notes, files }, null, 2)}\n`;
  const signature = `${sign(null, Buffer.from(list), key).toString('base64')}\n`;
  readSignedList(Buffer.from(list), signature, createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString());
  return { list, signature };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  return hash.digest('hex');
}
