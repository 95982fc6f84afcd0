import type { Command } from 'commander';
import { SAMPLING_SETTINGS, type SamplingParams } from '../../../../engine/settings/sampling.ts';
import type { SettingTable } from '../../../../engine/settings/setting.ts';
import { flagName } from './setting-options.ts';

/**
 * Sampling settings from the flags, and from the model's file for flags that were not passed.
 * @param isGiven whether the flag of a setting was passed
 * @returns with `notices` about what was taken from the file
 */
export function withModelDefaults(
  params: SamplingParams,
  recommended: Partial<SamplingParams>,
  isGiven: (key: string) => boolean,
): { sampling: SamplingParams; notices: string[] } {
  const taken = Object.entries(recommended).filter(([key]) => {
    if (isGiven('greedy') && (key === 'temperature' || key === 'samplers')) return false;
    return !isGiven(key);
  });
  const sampling = { ...params, ...(Object.fromEntries(taken) as Partial<SamplingParams>) };
  const list = taken.map(([key, value]) => `${nameOf(key)} ${String(value)}`).join(', ');
  return {
    sampling,
    notices: list === '' ? [] : [`Using sampling settings recommended by the model’s file: ${list}.`],
  };
}

/** Whether the flag of a setting was passed to a command. */
export function givenOn(command: Command): (key: string) => boolean {
  return (key) => !['default', undefined].includes(command.getOptionValueSource(key));
}

/** As on the command line, without the dashes. */
function nameOf(key: string): string {
  const table: SettingTable = SAMPLING_SETTINGS;
  return flagName(table[key]?.flag ?? key).replace(/^--/, '');
}
