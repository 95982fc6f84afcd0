import type { LoadProgress, ModelInfo } from '../../src-main/engine/api/types.ts';
import { progressText } from '../features/models/messages.ts';
import { formatDuration } from '../ui/format.ts';

/** Status of the engine as a short text, with progress or load time. */
export function engineText(engine: {
  status: 'starting' | 'ready' | 'empty' | 'lost';
  model: Pick<ModelInfo, 'loadMs'> | null;
  progress: LoadProgress | null;
  /** False: it hangs. */
  responds: boolean;
}): string {
  const { status, model, progress, responds } = engine;
  if (!responds) return 'Not responding';
  if (status === 'lost') return 'Stopped';
  if (status === 'empty') return 'No model loaded';
  if (status === 'ready') return model === null ? 'Ready' : `Ready, loaded in ${formatDuration(model.loadMs)}`;
  return progress === null ? 'Starting the engine' : progressText(progress);
}
