/** The list of a release's files on the update server, and its signature. */
import { createPublicKey, verify } from 'node:crypto';
import * as v from 'valibot';

/** On the server, beside the files: the list, and its signature in Base64. */
export const LIST_NAME = 'updates.json';
export const SIGNATURE_NAME = 'updates.json.sig';
/** Largest list and signature, bytes. */
export const MAX_LIST = 256 * 1024;
export const MAX_SIGNATURE = 1024;

const releaseSchema = v.object({
  format: v.literal(1),
  version: v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+$/, 'Expected a version such as 1.2.3')),
  /** ISO 8601. */
  date: v.pipe(v.string(), v.maxLength(40)),
  /** Plain text. */
  notes: v.pipe(v.string(), v.maxLength(20_000)),
  files: v.pipe(
    v.array(
      v.object({
        name: v.pipe(v.string(), v.regex(/^[\w][\w.-]{0,150}$/, 'Expected a file name')),
        bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
        sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'Expected a SHA-256')),
      }),
    ),
    v.maxLength(50),
  ),
});

/** A release as its makers signed it. */
export type SignedRelease = v.InferOutput<typeof releaseSchema>;
export type ReleaseFile = SignedRelease['files'][number];

/**
 * @param list the exact bytes that were signed
 * @param signature ed25519, Base64
 * @param key public key, PEM
 * @throws Error for people
 */
export function readSignedList(list: Uint8Array, signature: string, key: string): SignedRelease {
  const bytes = Buffer.from(signature.trim(), 'base64');
  if (!verify(null, list, createPublicKey(key), bytes)) {
    throw new Error('The list of updates is not signed by Tokenscope’s makers. Nothing was downloaded.');
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(list));
  } catch (error) {
    throw new Error('The list of updates is not valid JSON.', { cause: error });
  }
  const parsed = v.safeParse(releaseSchema, value);
  if (!parsed.success) throw new Error(`The list of updates is not valid: ${parsed.issues[0].message}.`);
  return parsed.output;
}

/** @returns whether version `a` is later than `b`, both as 1.2.3; a pre-release counts as its release */
export function isLater(a: string, b: string): boolean {
  const [one, other] = [a, b].map((version) => version.split(/[.-]/).slice(0, 3).map(Number)) as [number[], number[]];
  const at = one.findIndex((number, index) => number !== other[index]);
  return at !== -1 && (one[at] ?? 0) > (other[at] ?? 0);
}
