import { DEFAULT_SAMPLER_ORDER, SAMPLING_SETTINGS } from '../../../../src-main/engine/settings/sampling.ts';
import type { SamplerName, SamplerStageReport } from '../../../../src-main/engine/api/types.ts';
import { formatCount, formatInteger } from '../../../ui/format.ts';

/** llama.cpp's order. */
export const USUAL_ORDER: readonly SamplerName[] = DEFAULT_SAMPLER_ORDER;

/** Maximum number of stages in a chain. */
export const MAX_STAGES = SAMPLING_SETTINGS.samplers.maxCount;

/** A stage in the list. It keeps its id when it moves, even among stages of the same name. */
export interface Row {
  id: number;
  name: SamplerName;
}

export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = list.filter((_, index) => index !== from);
  return [...rest.slice(0, to), list[from] as T, ...rest.slice(to)];
}

export function without<T>(list: readonly T[], index: number): T[] {
  return list.filter((_, at) => at !== index);
}

/** Inserts a stage in llama.cpp's order. If it is already in the chain, it is inserted after that. */
export function added(samplers: readonly SamplerName[], name: SamplerName): SamplerName[] {
  const rank = (sampler: SamplerName) => USUAL_ORDER.indexOf(sampler);
  const present = samplers.lastIndexOf(name);
  const later = samplers.findIndex((sampler) => rank(sampler) > rank(name));
  const at = present >= 0 ? present + 1 : later < 0 ? samplers.length : later;
  return [...samplers.slice(0, at), name, ...samplers.slice(at)];
}

/** The rows for a list of stages. Existing rows keep their ids. */
export function rowsFor(samplers: readonly SamplerName[], before: readonly Row[]): Row[] {
  const left = [...before];
  let next = Math.max(0, ...before.map(({ id }) => id)) + 1;
  return samplers.map((name) => {
    const at = left.findIndex((row) => row.name === name);
    return at < 0 ? { id: next++, name } : (left.splice(at, 1)[0] as Row);
  });
}

/** The report of each listed stage, in order. Mask, biases and the final draw are not listed. */
export function stageReports(
  reports: readonly SamplerStageReport[],
  samplers: readonly SamplerName[],
): (SamplerStageReport | null)[] {
  const left = reports.filter(({ stage }) => USUAL_ORDER.some((name) => name === stage));
  return samplers.map((name) => (left[0]?.stage === name ? (left.shift() ?? null) : null));
}

/** The effect of a stage on the next token, as a short text. */
export function effectOf({ changed, survivors, removed }: SamplerStageReport): string {
  if (removed > 0) return `Leaves ${formatInteger(survivors)}, cuts ${formatInteger(removed)}`;
  return changed ? `Changes ${formatCount(survivors, 'probability', 'probabilities')}` : 'No effect here';
}
