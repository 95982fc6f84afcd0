import { EngineError } from '../engine/api/errors.ts';
import type { AppAnswer } from '../protocol/app/app-bridge.ts';
import { checkAppCall } from '../protocol/app/app-schemas.ts';
import type { AppServices } from '../protocol/app/app-services.ts';
import { toErrorPayload } from '../protocol/errors.ts';

/** Checks a call from another process, executes it, and returns the result as data. Never rejects. */
export async function answerCall(services: AppServices, method: unknown, params: unknown): Promise<AppAnswer> {
  return await answer(async () => {
    const call = checkAppCall(method, params);
    return await services.invoke(call.method, ...call.params);
  });
}

/** Runs `work` and returns its result, or its error, as data. Never rejects. */
export async function answer<T>(work: () => Promise<T>): Promise<AppAnswer<T>> {
  try {
    return { result: await work() };
  } catch (error) {
    const known = error instanceof EngineError;
    return { error: toErrorPayload(known ? error : unexpected(error)) };
  }
}

function unexpected(error: unknown): EngineError {
  const message = error instanceof Error ? error.message : String(error);
  return new EngineError('INTERNAL', `Unexpected app error: ${message}`, {}, { cause: error });
}
