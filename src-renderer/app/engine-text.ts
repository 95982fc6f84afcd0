import type { LoadProgress, ModelInfo } from '../../src-main/engine/types.ts';
import { formatBytes, formatDuration } from '../ui/format.ts';

const MEGABYTE = 1e6;

/** What the engine is doing, in a few words: what is being read and how far, or how long it took. */
export function engineText(engine: {
  status: 'starting' | 'ready' | 'empty' | 'lost';
  model: Pick<ModelInfo, 'loadMs'> | null;
  progress: LoadProgress | null;
}): string {
  const { status, model, progress } = engine;
  if (status === 'lost') return 'Stopped';
  if (status === 'empty') return 'No model in memory';
  if (status === 'ready') return model === null ? 'Ready' : `Ready, loaded in ${formatDuration(model.loadMs)}`;
  return progress === null ? 'Starting the engine' : progressText(progress);
}

/** `Reading the file, 41 of 105 MB`; what takes no time to speak of has no numbers. */
export function progressText({ phase, bytesRead, totalBytes }: LoadProgress): string {
  if (phase === 'tokenizer') return 'Reading the vocabulary';
  if (phase !== 'weights' || totalBytes < MEGABYTE) return 'Reading the file';
  const total = formatBytes(totalBytes);
  const unit = total.slice(total.indexOf(' '));
  const inUnit = bytesRead / (unit === ' GB' ? 1000 * MEGABYTE : MEGABYTE);
  return `Reading the file, ${inUnit.toFixed(unit === ' GB' || totalBytes < 99.5 * MEGABYTE ? 1 : 0)} of ${total}`;
}
