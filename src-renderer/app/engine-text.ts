import type { LoadProgress, ModelInfo } from '../../src-main/engine/types.ts';
import { formatBytes, formatDuration } from '../ui/format.ts';

const MEGABYTE = 1e6;

/** What the engine is doing, in a few words: what is being read and how far, or how long it took. */
export function engineText(engine: {
  status: 'starting' | 'ready' | 'lost';
  model: Pick<ModelInfo, 'loadMs'> | null;
  progress: LoadProgress | null;
}): string {
  const { status, model, progress } = engine;
  if (status === 'lost') return 'Stopped';
  if (status === 'ready') return model === null ? 'Ready' : `Ready, loaded in ${formatDuration(model.loadMs)}`;
  if (progress === null) return 'Starting the engine';
  if (progress.phase === 'weights' && progress.totalBytes >= MEGABYTE) {
    const read = (progress.bytesRead / MEGABYTE).toFixed(1);
    return `Reading the model, ${read} of ${formatBytes(progress.totalBytes)}`;
  }
  return progress.phase === 'tokenizer' ? 'Reading the vocabulary' : 'Reading the model';
}
