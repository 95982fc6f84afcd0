/** What the models page says about what does not work, and what to do. */
import type { EngineError, EngineErrorCode } from '../../../src-main/engine/errors.ts';
import type { LoadProgress } from '../../../src-main/engine/types.ts';
import { formatBytes, formatInteger } from '../../ui/format.ts';
import type { Fit } from './memory.ts';

const TITLES: Partial<Record<EngineErrorCode, string>> = {
  MODEL_NOT_FOUND: 'The file is gone',
  MODEL_IO: 'The file cannot be read',
  MODEL_FORMAT: 'The file is damaged or no model',
  UNSUPPORTED_ARCHITECTURE: 'This architecture is not known',
  UNSUPPORTED_TENSOR_TYPE: 'Some weights are of an unknown type',
  UNSUPPORTED_TOKENIZER: 'This tokenizer is not known',
  OUT_OF_MEMORY: 'Not enough memory',
  BACKEND_LOST: 'The engine stopped',
};

const ADVICE: Partial<Record<EngineErrorCode, string>> = {
  OUT_OF_MEMORY: 'Choose a smaller context, or close other programs.',
  BACKEND_LOST: 'It was started again with the model from before.',
};

export interface Problem {
  title: string;
  text: string;
}

export function problemText(error: EngineError): Problem {
  const advice = ADVICE[error.code];
  return {
    title: TITLES[error.code] ?? 'It cannot be loaded',
    text: advice === undefined ? error.message : `${error.message} ${advice}`,
  };
}

/** Null when it fits, or will. */
export function fitProblem(fit: Fit | null, context: number | null): Problem | null {
  if (fit?.verdict !== 'too-large' || context === null) return null;
  const needs = `It needs ${formatBytes(fit.needed)} for a context of ${formatInteger(context)} tokens`;
  const later = fit.held > 0 ? ' once the present model is unloaded' : '';
  const has =
    fit.bound === 'free'
      ? `${formatBytes(fit.available)} are free here${later}`
      : `the engine can use ${formatBytes(fit.available)}`;
  const choose =
    fit.least > fit.available
      ? `The smallest context needs ${formatBytes(fit.least)}: choose a smaller model`
      : 'Choose a smaller context';
  return {
    title: `${formatBytes(fit.short)} short`,
    text: `${needs}; ${has}. ${choose}${fit.bound === 'free' ? ', or close other programs' : ''}.`,
  };
}

const MEGABYTE = 1e6;

/** `Reading the file, 41 of 105 MB`; what takes no time to speak of has no numbers. */
export function progressText({ phase, bytesRead, totalBytes }: LoadProgress): string {
  if (phase === 'tokenizer') return 'Reading the vocabulary';
  if (phase !== 'weights' || totalBytes < MEGABYTE) return 'Reading the file';
  const total = formatBytes(totalBytes);
  const unit = total.slice(total.indexOf(' '));
  const inUnit = bytesRead / (unit === ' GB' ? 1000 * MEGABYTE : MEGABYTE);
  return `Reading the file, ${inUnit.toFixed(unit === ' GB' || totalBytes < 99.5 * MEGABYTE ? 1 : 0)} of ${total}`;
}
