import { EngineError } from '../errors.ts';
import type { CancelToken, ModelFiles } from '../platform.ts';
import type { LoadProgress } from '../types.ts';
import type { Model } from './model.ts';

export interface OpenModelOptions {
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly cancel?: CancelToken;
}

/** Loads a model folder. */
export function openModel(files: ModelFiles, options: OpenModelOptions = {}): Promise<Model> {
  return Promise.reject(new EngineError('INTERNAL', `${files.id} ${String(options.cancel?.cancelled)}`));
}
