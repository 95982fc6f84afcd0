import type { LoadProgress, ModelInfo } from '../../src-main/engine/api/types.ts';
import type { ReplyPhase } from '../features/chat/state/reply.svelte.ts';
import { progressText } from '../features/models/messages.ts';
import { formatBytes, formatDuration } from '../ui/format.ts';

interface EngineStatus {
  status: 'starting' | 'ready' | 'empty' | 'lost';
  model: Pick<ModelInfo, 'loadMs'> | null;
  progress: LoadProgress | null;
  /** False: it hangs. */
  responds: boolean;
  /** Another window loads or unloads the model that all windows share. */
  changingElsewhere?: boolean;
}

/**
 * Status of the engine as a short text, with progress or load time.
 *
 * @param phase of the running reply, which has no rate yet
 */
export function engineText(engine: EngineStatus, phase: ReplyPhase = 'done'): string {
  const { status, model, progress, responds } = engine;
  if (!responds) return 'Not responding';
  if (engine.changingElsewhere) return 'Loading in another window';
  if (status === 'lost') return 'Stopped';
  if (status === 'empty') return 'No model loaded';
  if (status === 'ready' && phase === 'reading') return 'Processing the prompt';
  if (status === 'ready' && phase === 'writing') return 'Generating';
  if (status === 'ready') return model === null ? 'Ready' : `Ready, loaded in ${formatDuration(model.loadMs)}`;
  return progress === null ? 'Starting the engine' : progressText(progress);
}

interface LoadedEngine extends EngineStatus {
  model: Pick<ModelInfo, 'loadMs' | 'name' | 'memoryBytes'> | null;
  loadingId: string | null;
}

/** The loaded model with the memory that it takes, or what is there instead. */
export function sidebarText(engine: LoadedEngine, nameOf: (id: string) => string): { name: string; detail: string } {
  const { model, loadingId } = engine;
  if (loadingId !== null) return { name: nameOf(loadingId), detail: engineText(engine) };
  if (engine.status === 'empty') return { name: 'No model loaded', detail: 'Choose a model' };
  if (model === null) return { name: 'No model loaded', detail: engineText(engine) };
  const { weights, kvCache, scratch } = model.memoryBytes;
  return { name: model.name, detail: `${formatBytes(weights + kvCache + scratch)} in memory` };
}
