/** Why replies end, in words. */
import type { EngineError } from '../../../src-main/engine/errors.ts';
import type { Stop, StopReason } from '../../../src-main/engine/types.ts';
import { formatCount, formatInteger } from '../../ui/format.ts';

/** Short names, for lists and charts. */
export const STOP_NAMES: Readonly<Record<StopReason, string>> = {
  eos: 'Ended its text',
  max_tokens: 'Token limit',
  stop_string: 'Stop string',
  repetition: 'Repetition',
  time_limit: 'Time limit',
  context_full: 'Context full',
  user: 'You pressed Stop',
  error: 'Failed',
};

/**
 * What stands under a reply. The values come from the engine's own sentence, which knows the settings the reply ran with.
 */
export function stopText(stop: Stop): string {
  const numbers = (stop.detail.match(/\d+/g) ?? []).map(Number);
  const number = numbers.length > 0 ? formatInteger(numbers[0]) : null;
  switch (stop.reason) {
    case 'eos':
      return 'The model ended its text';
    case 'max_tokens':
      return number === null ? 'Reached the token limit' : `Reached the ${number}-token limit`;
    case 'stop_string':
      return `Reached the stop text “${visibleText(stop.stopString ?? '')}”`;
    case 'repetition':
      return number === null ? 'It repeats itself' : `The last ${number} tokens repeat those before them`;
    case 'time_limit':
      return numbers.length === 0 ? 'Reached the time limit' : `Reached the time limit of ${secondsOf(numbers[0])}`;
    case 'context_full':
      return `The context window${number === null ? '' : ` of ${number} tokens`} is full`;
    case 'user':
      // A reply that made way for something else says for what.
      return /^Stopped .* to /.test(stop.detail) ? stop.detail.replace(/\.$/, '') : 'You stopped it';
    case 'error':
      if (stop.errorCode === 'CONTEXT_FULL') return 'Did not fit the context window';
      return stop.errorCode === 'BACKEND_LOST' ? 'Engine stopped' : 'Failed';
  }
}

/** 1500 ms is `1.5 s`. */
function secondsOf(ms: number): string {
  return `${Number((ms / 1000).toFixed(3))} s`;
}

/** Thousands in a sentence of the engine take a comma, as everywhere in the interface. */
export function withThousands(sentence: string): string {
  return sentence.replace(/(?<![\w.,])\d{4,}(?![\w,]|\.\d)/g, (digits) => formatInteger(Number(digits)));
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

/** A stop text as it is typed into a field of one line: `\n` and `\t` stand for what cannot be typed there. */
export function typedStopText(typed: string): string {
  return typed.replace(/\\([nt\\])/g, (_, sign: string) => ({ n: '\n', t: '\t' })[sign] ?? '\\');
}
