import { CommanderError } from 'commander';
import { EngineError } from '../../../engine/api/errors.ts';
import type { ErrorPayload } from '../../../engine/api/types.ts';
import { toErrorPayload } from '../../../protocol/errors.ts';

/**
 * Exit codes of the process. The last ones are as if a signal had ended it: SIGHUP, SIGINT, SIGPIPE (`unread`: the reader
 * of a result is gone) and SIGTERM.
 */
export const EXIT = {
  ok: 0,
  engineError: 1,
  usage: 2,
  hungUp: 129,
  interrupted: 130,
  unread: 141,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A usage error. */
export class UsageError extends Error {}

export interface Failure {
  exitCode: ExitCode;
  /** Null if there is nothing more to print, as after showing help. */
  error: ErrorPayload | null;
}

/** Exit code and error of a command that threw. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return { exitCode: EXIT.ok, error: null };
    if (thrown.code === 'commander.help') return { exitCode: EXIT.usage, error: null };
    return usageFailure(thrown.message.replace(/^error: /, ''));
  }
  if (thrown instanceof UsageError) return usageFailure(thrown.message);
  return { exitCode: EXIT.engineError, error: toErrorPayload(EngineError.from(thrown)) };
}

function usageFailure(message: string): Failure {
  return { exitCode: EXIT.usage, error: { code: 'BAD_REQUEST', message, details: {} } };
}
