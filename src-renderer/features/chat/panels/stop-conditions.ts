import type { ModelInfo, StopParams } from '../../../../src-main/engine/api/types.ts';
import { STOP_SETTINGS } from '../../../../src-main/engine/settings/generation.ts';
import { formatCount } from '../../../ui/format.ts';

/** Whether a token limit stands for none. */
export function isUnlimited(maxTokens: number): boolean {
  return maxTokens >= STOP_SETTINGS.maxTokens.max;
}

/** A token limit, read aloud. */
export function limitText(maxTokens: number): string {
  return isUnlimited(maxTokens) ? 'no limit' : formatCount(maxTokens, 'token');
}

/** Number of active stop conditions. */
export function stopConditions(
  { maxTokens, ignoreEos, stopStrings, repetitionWindow, timeLimitMs }: StopParams,
  model: Pick<ModelInfo, 'defaultRepetitionWindow'> | null,
): number {
  const guard = repetitionWindow ?? model?.defaultRepetitionWindow ?? 0;
  const others = [stopStrings.length > 0, guard > 0, timeLimitMs !== null];
  return [!ignoreEos, !isUnlimited(maxTokens), ...others].filter(Boolean).length;
}
