/** Messages of the models page about problems and their solutions. */
import type { EngineError, EngineErrorCode } from '../../../src-main/engine/api/errors.ts';
import type { GpuMemoryAt, LoadProgress } from '../../../src-main/engine/api/types.ts';
import { formatBytes, formatBytesOf, formatInteger } from '../../ui/format.ts';
import type { Fit } from './memory.ts';

const TITLES: Partial<Record<EngineErrorCode, string>> = {
  MODEL_NOT_FOUND: 'File not found',
  MODEL_IO: 'File cannot be read',
  MODEL_FORMAT: 'Damaged, or not a model',
  UNSUPPORTED_ARCHITECTURE: 'Unsupported architecture',
  UNSUPPORTED_TENSOR_TYPE: 'Unsupported weight type',
  UNSUPPORTED_TOKENIZER: 'Unsupported tokenizer',
  OUT_OF_MEMORY: 'Not enough memory',
};

export interface Problem {
  title: string;
  text: string;
}

export function problemText({ code, message, details }: EngineError): Problem {
  if (code === 'BACKEND_LOST' && details.gone === true) {
    return { title: 'The engine stopped', text: `${message} It restarted with the previous model.` };
  }
  if (code === 'BACKEND_LOST' && details.gpu === true) return { title: 'The GPU cannot be used', text: message };
  return { title: TITLES[code] ?? 'Could not load the model', text: message };
}

/** Null if it fits. */
export function fitProblem(fit: Fit | null, context: number | null): Problem | null {
  if (fit?.verdict !== 'too-large' || context === null) return null;
  const needs = `A context of ${formatInteger(context)} tokens needs ${formatBytes(fit.needed)}`;
  const later = fit.held > 0 ? ' after the current model is unloaded' : '';
  const choose =
    fit.least > fit.available
      ? `Even the smallest context needs ${formatBytes(fit.least)}. Choose a smaller model`
      : 'Choose a smaller context';
  return {
    title: `Needs ${formatBytes(fit.short)} more`,
    text: `${needs}; ${formatBytes(fit.available)} is free${later}. ${choose} or close other apps.`,
  };
}

/**
 * Null if it fits on the GPU, as far as is known: WebGPU only reveals the largest buffer that a GPU allows.
 * @param memory for the chosen context
 * @param least for the smallest context
 * @param limit bytes of the largest buffer that the GPU allows; null while unknown
 */
export function gpuProblem(memory: GpuMemoryAt, least: GpuMemoryAt, limit: number | null): Problem | null {
  const { contextSize, largestBuffer } = memory;
  if (limit === null || largestBuffer <= limit) return null;
  const needs = `A context of ${formatInteger(contextSize)} tokens needs a buffer of ${formatBytes(largestBuffer)}`;
  const choose = least.largestBuffer > limit ? 'Choose the CPU' : 'Choose a smaller context or the CPU';
  return {
    title: `Needs ${formatBytes(largestBuffer - limit)} more`,
    text: `${needs}; this GPU allows ${formatBytes(limit)}. ${choose}.`,
  };
}

const MEGABYTE = 1e6;

/** `Reading the file, 41 of 105 MB`; without numbers for small files. */
export function progressText({ phase, bytesRead, totalBytes }: LoadProgress): string {
  if (phase === 'tokenizer') return 'Loading the tokenizer';
  if (phase === 'shaders') return 'Compiling shaders';
  if (phase !== 'weights' || totalBytes < MEGABYTE) return 'Reading the file';
  return `Reading the file, ${formatBytesOf(bytesRead, totalBytes)}`;
}
