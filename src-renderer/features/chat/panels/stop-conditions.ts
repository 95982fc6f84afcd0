import type { ModelInfo, StopParams } from '../../../../src-main/engine/api/types.ts';
import { STOP_SETTINGS } from '../../../../src-main/engine/settings/generation.ts';
import { formatCount, formatInteger } from '../../../ui/format.ts';

/** Whether a token limit stands for none. */
export function isUnlimited(maxTokens: number): boolean {
  return maxTokens >= STOP_SETTINGS.maxTokens.max;
}

/** A token limit, read aloud. */
export function limitText(maxTokens: number): string {
  return isUnlimited(maxTokens) ? 'no limit' : formatCount(maxTokens, 'token');
}

/** When the repetition guard stops a reply. @param window tokens; 0 is off */
export function repetitionText(window: number): string {
  if (window === 0) return 'Off: replies may loop.';
  if (window === 1) return 'Stops when a token repeats, or when a longer loop has run three times.';
  const repeated = formatInteger(window);
  return `Stops when the last ${repeated} tokens repeat the ${repeated} before them, or when any other loop has run three times and fills the last ${formatInteger(2 * window)} tokens.`;
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
