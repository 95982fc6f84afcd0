/** The stored form of K and V: blocks of tokens, each named by everything that its content depends on. */
import type { PrefixStore } from '../api/platform.ts';

/** Tokens per block. Fewer are computed faster than people notice. */
export const BLOCK_TOKENS = 64;
const HASH_BYTES = 32;
/** Raised whenever the form or the meaning of blocks changes. */
export const BLOCK_FORMAT = 1;

type Sha256 = PrefixStore['sha256'];

/**
 * Keys of the whole blocks of `ids`. A block's key depends on the model and on all ids up to its end, so prompts with a
 * common beginning share blocks, and equal keys mean equal content.
 * @param model everything else that K and V depend on
 */
export async function blockKeys(sha256: Sha256, model: string, ids: readonly number[]): Promise<string[]> {
  const keys: string[] = [];
  let before = model;
  for (let end = BLOCK_TOKENS; end <= ids.length; end += BLOCK_TOKENS) {
    const text = `${before} ${ids.slice(end - BLOCK_TOKENS, end).join(' ')}`;
    before = hex(await sha256(new TextEncoder().encode(text)));
    keys.push(before);
  }
  return keys;
}

/** Bytes of a block as it is stored. */
export function blockBytes(bytesPerCell: number): number {
  return HASH_BYTES + BLOCK_TOKENS * bytesPerCell;
}

/** A block as it is stored: the SHA-256 of its key and K and V, then K and V. */
export async function packBlock(sha256: Sha256, key: string, kv: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(HASH_BYTES + kv.length);
  bytes.set(kv, HASH_BYTES);
  bytes.set(await checksum(sha256, key, kv));
  return bytes;
}

/** K and V of a stored block; null if it is truncated, was modified or belongs to another key. */
export async function unpackBlock(
  sha256: Sha256,
  key: string,
  bytes: Uint8Array,
  length: number,
): Promise<Uint8Array | null> {
  if (bytes.length !== HASH_BYTES + length) return null;
  const kv = bytes.subarray(HASH_BYTES);
  const expected = await checksum(sha256, key, kv);
  return expected.every((byte, i) => byte === bytes[i]) ? kv : null;
}

async function checksum(sha256: Sha256, key: string, kv: Uint8Array): Promise<Uint8Array> {
  const content = await sha256(kv);
  return sha256(new TextEncoder().encode(`${key} ${hex(content)}`));
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
