/** Which models lanes need, and in which order they run. */
import type { ExecutorName, ModelInfo } from '../../../../src-main/engine/api/types.ts';
import type { LaneSettings } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { letterRange } from './lane-labels.ts';

/** A model, and what runs it: `auto` if the engine chooses, null for what its file is loaded with. */
export interface LaneModel {
  readonly modelId: string;
  readonly executor: ExecutorName | 'auto' | null;
}

type Loaded = Pick<ModelInfo, 'id' | 'executor' | 'choice'> | null;

/** What a lane needs. The default executor of the loaded model is the one that it has now. */
export function laneModel({ modelId, executor }: LaneSettings, loaded: Loaded): LaneModel {
  return { modelId, executor: executor ?? (loaded?.id === modelId ? loaded.executor : null) };
}

export function isLoaded({ modelId, executor }: LaneModel, loaded: Loaded): boolean {
  if (loaded?.id !== modelId) return false;
  return executor === null || (executor === 'auto' ? loaded.choice !== undefined : loaded.executor === executor);
}

export function isSameModel(a: LaneModel, b: LaneModel): boolean {
  return a.modelId === b.modelId && a.executor === b.executor;
}

/** Indices of lanes that run together, group by group: those of the loaded model first. */
export function runOrder(lanes: readonly LaneSettings[], loaded: Loaded): number[][] {
  const groups: { model: LaneModel; lanes: number[] }[] = [];
  lanes.forEach((settings, index) => {
    const model = laneModel(settings, loaded);
    const group = groups.find((one) => isSameModel(one.model, model));
    if (group === undefined) groups.push({ model, lanes: [index] });
    else group.lanes.push(index);
  });
  const first = (model: LaneModel) => Number(!isLoaded(model, loaded));
  return groups.sort((a, b) => first(a.model) - first(b.model)).map((group) => group.lanes);
}

/** Whether a model fits in memory beside the loaded one; null while unknown. */
export type FitsBeside = (modelId: string) => boolean | null;

/**
 * Why each lane waits for others: `Runs after A to C, because it needs another model.`, and whether that replaces the loaded
 * one; null if it does not wait.
 */
export function waitingTexts(
  lanes: readonly LaneSettings[],
  loaded: Loaded,
  fits: FitsBeside = () => null,
): (string | null)[] {
  const order = runOrder(lanes, loaded);
  return lanes.map((settings, index) => {
    const group = order.findIndex((indices) => indices.includes(index));
    if (group === 0) return null;
    const ahead = order
      .slice(0, group)
      .flat()
      .sort((a, b) => a - b);
    const isSameFile = ahead.every((at) => lanes[at].modelId === settings.modelId);
    const why = `Runs after ${letterRange(ahead)}, because it needs another ${isSameFile ? 'executor' : 'model'}.`;
    const isEstimated = settings.executor === null || settings.executor === 'wasm';
    const fit = isSameFile || !isEstimated ? null : fits(settings.modelId);
    if (fit === null) return why;
    return `${why} ${fit ? 'Both fit in memory.' : 'It replaces the loaded model for now.'}`;
  });
}
