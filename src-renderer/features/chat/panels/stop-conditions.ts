import type { ModelInfo, StopParams } from '../../../../src-main/engine/api/types.ts';

/** Number of active stop conditions. The token limit is always one. */
export function stopConditions(
  { ignoreEos, stopStrings, repetitionWindow, timeLimitMs }: StopParams,
  model: Pick<ModelInfo, 'defaultRepetitionWindow'> | null,
): number {
  const guard = repetitionWindow ?? model?.defaultRepetitionWindow ?? 0;
  return [!ignoreEos, true, stopStrings.length > 0, guard > 0, timeLimitMs !== null].filter(Boolean).length;
}
