/**
 * Schemas that both protocols are made of. Static types and schemas are held together by `schemaOf`: a schema that drifts
 * from its type does not compile.
 */
import * as v from 'valibot';
import { EngineError } from '../engine/api/errors.ts';
import { STOP_SETTINGS } from '../engine/settings/generation.ts';
import { MAX_SOURCE, SAMPLING_SETTINGS } from '../engine/settings/sampling.ts';
import type {
  ChatTemplateChoice,
  Continues,
  ErrorPayload,
  ExecutorName,
  FileHash,
  KvCacheType,
  RunConditions,
  SamplingParams,
  Stop,
  StopParams,
  StopReason,
  WhenFull,
} from '../engine/api/types.ts';
import { isErrorCode } from './errors.ts';
import { schemasOf } from './setting-schemas.ts';

/** Longest text of one message, UTF-16 units. What fits here may still not fit the context window. */
export const MAX_TEXT = 8 * 1024 * 1024;

/** Gives a schema the type it must describe, exactly: neither wider nor narrower. */
export function schemaOf<T>() {
  return <S extends v.GenericSchema<unknown, T>>(schema: [T] extends [v.InferOutput<S>] ? S : never): S => schema;
}

/**
 * @param what Names the value in the message, for example the method.
 * @throws EngineError BAD_REQUEST with `details.field`, the dotted path of the first bad field.
 */
export function parseOrRefuse<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue) ?? '';
  const where = field === '' ? what : `${what}: ${field}`;
  throw new EngineError('BAD_REQUEST', `Invalid value in ${where}. ${issue.message.slice(0, 300)}.`, { field, what });
}

export const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));

/** A folder's name, never a path. */
export const modelId = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'Expected a model id: letters, digits, dots, dashes'),
);

export function isModelId(value: unknown): boolean {
  return v.is(modelId, value);
}

export const executorName = schemaOf<ExecutorName>()(v.picklist(['reference', 'wasm', 'webgpu']));
export const kvCacheType = schemaOf<KvCacheType>()(v.picklist(['f32', 'f16', 'q8']));
export const whenFull = schemaOf<WhenFull>()(v.picklist(['stop', 'drop_oldest', 'shift']));

export const samplingParams = schemaOf<SamplingParams>()(v.object(schemasOf(SAMPLING_SETTINGS)));

export const stopParams = schemaOf<StopParams>()(v.object(schemasOf(STOP_SETTINGS)));

export const chatTemplateChoice = schemaOf<ChatTemplateChoice>()(
  v.variant('kind', [
    v.object({ kind: v.literal('model') }),
    v.object({ kind: v.literal('plain') }),
    v.object({ kind: v.literal('custom'), source: v.pipe(v.string(), v.maxLength(MAX_SOURCE)) }),
  ]),
);

export const stopReason = schemaOf<StopReason>()(
  v.picklist(['eos', 'max_tokens', 'stop_string', 'repetition', 'time_limit', 'context_full', 'user', 'error']),
);

export const continues = schemaOf<Continues>()(
  v.object({
    reason: v.nullable(stopReason),
    stopString: v.exactOptional(v.pipe(v.string(), v.maxLength(STOP_SETTINGS.stopStrings.maxLength))),
  }),
);

export const errorPayload = schemaOf<ErrorPayload>()(
  v.object({
    code: v.custom<ErrorPayload['code']>(isErrorCode, 'Expected an error code'),
    message: v.string(),
    details: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
  }),
);

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const milliseconds = v.pipe(v.number(), v.finite(), v.minValue(0));
const droppedTokens = v.exactOptional(count);

export const stop = schemaOf<Stop>()(
  v.variant('reason', [
    v.strictObject({
      reason: v.literal('eos'),
      token: v.nullable(v.object({ id: count, piece: text })),
      droppedTokens,
    }),
    v.strictObject({ reason: v.literal('max_tokens'), maxTokens: count, droppedTokens }),
    v.strictObject({ reason: v.literal('stop_string'), stopString: text, droppedTokens }),
    v.strictObject({
      reason: v.literal('repetition'),
      window: count,
      loop: v.exactOptional(v.strictObject({ period: count, tokens: count })),
      droppedTokens,
    }),
    v.strictObject({ reason: v.literal('time_limit'), timeLimitMs: milliseconds, tokens: count, droppedTokens }),
    v.strictObject({ reason: v.literal('context_full'), promptTokens: count, contextSize: count, droppedTokens }),
    v.strictObject({ reason: v.literal('user'), tokens: count, to: v.exactOptional(text), droppedTokens }),
    v.strictObject({ reason: v.literal('error'), tokens: count, error: errorPayload, droppedTokens }),
  ]),
);

const name = v.pipe(v.string(), v.maxLength(300));
/** More than the parts of any model. */
const MAX_FILES = 1000;
const MAX_VERSIONS = 20;

export const sha256Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'Expected a SHA-256 of 64 hex digits'));

export const fileHashes = v.pipe(
  v.array(schemaOf<FileHash>()(v.strictObject({ name, bytes: count, sha256: sha256Hex }))),
  v.minLength(1),
  v.maxLength(MAX_FILES),
);

export const runConditions = schemaOf<RunConditions>()(
  v.strictObject({
    executor: executorName,
    contextSize: count,
    kernels: v.nullable(
      v.strictObject({
        variant: name,
        revision: v.nullable(name),
        kvCacheType,
        threads: count,
        decodeThreads: count,
        sumBits: v.picklist([16, 32]),
      }),
    ),
    versions: v.pipe(v.record(name, name), v.maxEntries(MAX_VERSIONS, `Expected at most ${MAX_VERSIONS} versions`)),
  }),
);
