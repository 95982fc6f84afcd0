/** Why replies end, in words. */
import type { EngineError } from '../../../src-main/engine/errors.ts';
import type { Stop, StopReason } from '../../../src-main/engine/types.ts';
import { formatCount, formatInteger } from '../../ui/format.ts';

/** Short names, for lists and charts. */
export const STOP_NAMES: Readonly<Record<StopReason, string>> = {
  eos: 'Ended its text',
  max_tokens: 'Token limit',
  stop_string: 'Stop text',
  repetition: 'Repetition',
  time_limit: 'Time limit',
  context_full: 'Context full',
  user: 'You pressed Stop',
  error: 'Failed',
};

/**
 * What stands under a reply.
 *
 * @param tokens tokens of the reply
 */
export function stopText(stop: Stop, tokens: number): string {
  switch (stop.reason) {
    case 'eos':
      return 'The model ended its text';
    case 'max_tokens':
      return `Reached the ${limitIn(stop.detail) ?? formatInteger(tokens)}-token limit`;
    case 'stop_string':
      return `Reached the stop text ${shownStopText(stop.stopString ?? '')}`;
    case 'repetition':
      return 'Stopped: it repeats itself';
    case 'time_limit':
      return 'Reached the time limit';
    case 'context_full':
      return 'The context window is full';
    case 'user':
      return 'You stopped it';
    case 'error':
      return stop.errorCode === 'BACKEND_LOST' ? 'Engine stopped' : 'Failed';
  }
}

/** After Continue a reply has more tokens than the limit that ended its last part. */
function limitIn(detail: string): string | null {
  const found = /limit of (\d+) token/.exec(detail);
  return found ? formatInteger(Number(found[1])) : null;
}

/** Stop texts with what cannot be seen made visible. */
export function shownStopText(text: string): string {
  return `“${visibleText(text)}”`;
}

/** Line breaks and tabs as signs. */
export function visibleText(text: string): string {
  return text.replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}

/** Whether it makes sense to write on. At the end of the model's own text or of the window it does not. */
export function canContinue(stop: Stop | null): boolean {
  return stop === null || !['eos', 'context_full'].includes(stop.reason);
}

/** The engine went away in the middle of a reply. */
export function lostStop(tokens: number, error: EngineError): Stop {
  return {
    reason: 'error',
    detail: `The engine stopped after ${formatCount(tokens, 'token')}. ${error.message}`,
    errorCode: error.code,
  };
}
