/** Schemas of what a reply depends on beside its request, which receipts and stored replies both hold. */
import * as v from 'valibot';
import type { FileHash, RunConditions } from '../engine/api/types.ts';
import { schemaOf } from './fields.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const name = v.pipe(v.string(), v.maxLength(300));
/** More than a model has parts. */
const MAX_FILES = 1000;

export const sha256Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'Expected a SHA-256 of 64 hex digits'));

export const fileHashes = v.pipe(
  v.array(schemaOf<FileHash>()(v.strictObject({ name, bytes: count, sha256: sha256Hex }))),
  v.minLength(1),
  v.maxLength(MAX_FILES),
);

export const runConditions = schemaOf<RunConditions>()(
  v.strictObject({
    executor: v.picklist(['reference', 'wasm']),
    contextSize: count,
    kernels: v.nullable(
      v.strictObject({
        variant: name,
        revision: v.nullable(name),
        kvCacheType: v.picklist(['f32', 'f16', 'q8']),
        threads: count,
        decodeThreads: count,
        sumBits: v.picklist([16, 32]),
      }),
    ),
    versions: v.pipe(v.record(name, name), v.maxEntries(20, 'Expected at most 20 versions')),
  }),
);
