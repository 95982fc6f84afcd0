/** All error codes. They are part of the wire contract and never change their meaning. */
export const ENGINE_ERROR_CODES = [
  'MODEL_NOT_FOUND',
  'MODEL_IO',
  'MODEL_FORMAT',
  'UNSUPPORTED_ARCHITECTURE',
  'UNSUPPORTED_TENSOR_TYPE',
  'UNSUPPORTED_TOKENIZER',
  'NO_MODEL',
  'CONTEXT_FULL',
  'OUT_OF_MEMORY',
  /** The engine is gone (`details.gone`), or an executor was lost or cannot be used (`details.gpu` if it is the GPU). */
  'BACKEND_LOST',
  'BAD_REQUEST',
  'CANCELLED',
  /** A chat template does not parse, fails, or exceeds its limits; `details` has `line` and `column` if known. */
  'CHAT_TEMPLATE',
  /** A grammar or schema is invalid or exceeds the limits; `details` has `line` and `column` if known. */
  'GRAMMAR',
  /** The data folder cannot be read or written: disk full, no permission. */
  'STORAGE',
  /** Another instance holds the data folder, so this one does not write. */
  'READ_ONLY',
  /** The chat does not exist, or was deleted. */
  'CHAT_NOT_FOUND',
  /** The stored run of Compare does not exist, or was deleted. */
  'COMPARISON_NOT_FOUND',
  'INTERNAL',
] as const;

export type EngineErrorCode = (typeof ENGINE_ERROR_CODES)[number];

/** Plain data that explains an error: file names, values, limits. Must survive structured clone and JSON. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** An error as plain data. */
export interface ErrorPayload {
  code: EngineErrorCode;
  message: string;
  details: ErrorDetails;
}

/**
 * The only error that leaves the engine. `message` says what is wrong, with which file or value, and what to do; it is
 * shown to people unchanged.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError';

  constructor(
    readonly code: EngineErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  /** Survives structured clone and JSON, without stack and cause. */
  get payload(): ErrorPayload {
    const { code, message, details } = this;
    return { code, message, details: plainDetails(details) };
  }

  /** Wraps anything thrown; an EngineError passes through unchanged. */
  static from(error: unknown): EngineError {
    if (error instanceof EngineError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new EngineError('INTERNAL', `Unexpected engine error: ${message}`, {}, { cause: error });
  }
}

/** The error that a payload describes. */
export function fromErrorPayload({ code, message, details }: ErrorPayload): EngineError {
  return new EngineError(code, message, details);
}

/** Details are shown and stored, so a value that JSON or structured clone would refuse becomes text. */
function plainDetails(details: ErrorDetails): ErrorDetails {
  const plain: Record<string, string | number | boolean | null> = {};
  for (const [key, value] of Object.entries(details)) {
    const fits = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
    plain[key] = fits ? value : String(value);
  }
  return plain;
}
