import { EngineError } from '../engine/errors.ts';
import type { AppAnswer } from '../protocol/app-bridge.ts';
import { checkAppCall } from '../protocol/app-schemas.ts';
import type { AppServices } from '../protocol/app-services.ts';
import { toErrorPayload } from '../protocol/errors.ts';

/** Checks a call that came over a border, does it, and gives the answer as data. Never rejects. */
export async function answerCall(services: AppServices, method: unknown, params: unknown): Promise<AppAnswer> {
  try {
    const call = checkAppCall(method, params);
    return { result: await services.invoke(call.method, ...call.params) };
  } catch (error) {
    const known = error instanceof EngineError;
    return { error: toErrorPayload(known ? error : unexpected(error)) };
  }
}

function unexpected(error: unknown): EngineError {
  const message = error instanceof Error ? error.message : String(error);
  return new EngineError('INTERNAL', `Unexpected failure in the app: ${message}`, {}, { cause: error });
}
