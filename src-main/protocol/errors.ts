/** Errors across the border: an EngineError on one side is the same EngineError on the other. */
import { ENGINE_ERROR_CODES, EngineError, type EngineErrorCode, type ErrorPayload } from '../engine/api/errors.ts';

/** Plain data for anything thrown. Other errors become INTERNAL. */
export function toErrorPayload(error: unknown): ErrorPayload {
  return EngineError.from(error).payload;
}

export { fromErrorPayload } from '../engine/api/errors.ts';

export function isErrorCode(value: unknown): value is EngineErrorCode {
  return ENGINE_ERROR_CODES.some((code) => code === value);
}

/**
 * The error for a lost engine: its process or thread ended, or the connection was closed. Its `gone` tells it from the errors of
 * an engine that answers, but lost a GPU or a thread.
 */
export function backendLost(message = 'The engine crashed. Everything generated so far is kept.'): EngineError {
  return new EngineError('BACKEND_LOST', message, { gone: true });
}

export function cancelled(message = 'Stopped before the reply started.'): EngineError {
  return new EngineError('CANCELLED', message);
}
