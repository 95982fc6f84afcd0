/** Errors across the border: an EngineError on one side is the same EngineError on the other. */
import { ENGINE_ERROR_CODES, EngineError, type EngineErrorCode, type ErrorDetails } from '../engine/errors.ts';
import type { ErrorPayload } from '../engine/types.ts';

/** Plain data for anything thrown. What is no EngineError becomes INTERNAL; stacks and causes stay at home. */
export function toErrorPayload(error: unknown): ErrorPayload {
  const { code, message, details } = EngineError.from(error);
  return { code, message, details: plainDetails(details) };
}

/** The error that `toErrorPayload` described. */
export function fromErrorPayload(payload: ErrorPayload): EngineError {
  return new EngineError(payload.code, payload.message, payload.details);
}

export function isErrorCode(value: unknown): value is EngineErrorCode {
  return ENGINE_ERROR_CODES.some((code) => code === value);
}

/** Details are shown and stored, so a value that JSON or structured clone would refuse is turned into text. */
function plainDetails(details: ErrorDetails): ErrorDetails {
  const plain: Record<string, string | number | boolean | null> = {};
  for (const [key, value] of Object.entries(details)) {
    const fits = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
    plain[key] = fits ? value : String(value);
  }
  return plain;
}

/** The other side is gone: its process or thread ended, or the connection was closed. */
export function backendLost(
  message = 'The engine crashed. Everything generated so far is kept. Restart the engine to continue.',
): EngineError {
  return new EngineError('BACKEND_LOST', message);
}

export function cancelled(message = 'Stopped before the reply started.'): EngineError {
  return new EngineError('CANCELLED', message);
}
