import * as v from 'valibot';
import { EngineError } from '../../../engine/api/errors.ts';
import {
  continues,
  fileHashes,
  parseOrRefuse,
  runConditions,
  samplingParams,
  schemaOf,
  sha256Hex,
  stop,
  stopParams,
  text,
} from '../../fields.ts';
import { promptInput, tokenId, tokenIds } from '../schemas.ts';
import { digestsOf, RECEIPT_FORMAT, RECEIPT_VERSION, type Receipt } from './receipt.ts';

/** `tampered`: a receipt that was changed after it was written. */
export type CheckedReceipt =
  | { state: 'intact'; receipt: Receipt }
  | { state: 'not_a_receipt' | 'tampered'; reason: string };

const shortText = v.pipe(v.string(), v.maxLength(1000));
const receiptSchema = schemaOf<Receipt>()(
  v.strictObject({
    format: v.literal(RECEIPT_FORMAT),
    version: v.literal(RECEIPT_VERSION),
    requestedAt: v.pipe(v.string(), v.isoTimestamp()),
    model: v.strictObject({ id: shortText, name: shortText, architecture: shortText, files: fileHashes }),
    conditions: runConditions,
    request: v.strictObject({
      prompt: promptInput,
      sampling: samplingParams,
      stop: stopParams,
      useKvCache: v.boolean(),
      continues: v.exactOptional(continues),
      firstToken: v.exactOptional(tokenId),
    }),
    promptIds: tokenIds,
    reply: v.strictObject({ ids: tokenIds, text, stop }),
    digests: v.strictObject({ parts: v.record(v.string(), sha256Hex), whole: sha256Hex }),
  }),
);

const envelope = v.object({
  format: v.literal(RECEIPT_FORMAT),
  version: v.number(),
  digests: v.object({ parts: v.record(v.string(), v.string()), whole: v.string() }),
});

/**
 * Checks whether a JSON value is an unchanged receipt. The digests have no key, so this finds accidents and edits, but no
 * forgery with recomputed digests.
 */
export function checkReceipt(value: unknown): CheckedReceipt {
  if (!v.is(v.object({ format: v.literal(RECEIPT_FORMAT) }), value)) {
    return notAReceipt(`Its "format" is not "${RECEIPT_FORMAT}".`);
  }
  if (!v.is(envelope, value)) return notAReceipt('Its version or digests are missing.');
  if (value.version !== RECEIPT_VERSION) {
    return notAReceipt(
      `It has format version ${value.version}, but this version of Tokenscope reads version ${RECEIPT_VERSION}.`,
    );
  }
  const changed = changedPart(value);
  if (changed !== null) return { state: 'tampered', reason: changed };
  try {
    return { state: 'intact', receipt: parseOrRefuse(receiptSchema, value, 'the receipt') };
  } catch (error) {
    return notAReceipt(EngineError.from(error).message);
  }
}

/** The digest that does not match; null if all do. */
function changedPart(value: v.InferOutput<typeof envelope>): string | null {
  const {
    format: _,
    version: __,
    digests,
    ...parts
  } = value as v.InferOutput<typeof envelope> & Record<string, unknown>;
  const found = digestsOf(parts);
  for (const name of Object.keys(digests.parts)) {
    if (!Object.hasOwn(parts, name)) return `The part "${name}" is missing.`;
  }
  for (const [name, digest] of Object.entries(found.parts)) {
    if (!Object.hasOwn(digests.parts, name)) return `The part "${name}" was added.`;
    if (digests.parts[name] !== digest) return `The part "${name}" does not match its SHA-256.`;
  }
  return digests.whole === found.whole ? null : 'The SHA-256 of the whole receipt does not match.';
}

function notAReceipt(reason: string): CheckedReceipt {
  return { state: 'not_a_receipt', reason };
}

/** The text of the file, one line per part. */
export function receiptText(receipt: Receipt): string {
  const lines = Object.entries(receipt).map(([name, part]) => `  ${JSON.stringify(name)}: ${JSON.stringify(part)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}
