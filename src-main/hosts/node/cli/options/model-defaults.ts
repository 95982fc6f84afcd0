import type { Command } from 'commander';
import type { SamplingParams } from '../../../../engine/types.ts';

/** Flags that are not called as what they set. */
const FLAGS: Readonly<Partial<Record<keyof SamplingParams, string>>> = {
  topNSigma: 'topNsigma',
  dynatempExponent: 'dynatempExp',
  mirostatTau: 'mirostatEnt',
  mirostatEta: 'mirostatLr',
};

const flagOf = (name: string): string => FLAGS[name as keyof SamplingParams] ?? name;

/**
 * Sampling as the flags say, and where none was given, as the model's file recommends.
 * @param command whose flags they are
 * @returns with `notices` that say what was taken from the file
 */
export function withModelDefaults(
  params: SamplingParams,
  recommended: Partial<SamplingParams>,
  command: Command,
): { sampling: SamplingParams; notices: string[] } {
  const isGiven = (flag: string) => !['default', undefined].includes(command.getOptionValueSource(flag));
  const taken = Object.entries(recommended).filter(([name]) => {
    if (isGiven('greedy') && (name === 'temperature' || name === 'samplers')) return false;
    return !isGiven(flagOf(name));
  });
  const sampling = { ...params, ...(Object.fromEntries(taken) as Partial<SamplingParams>) };
  const list = taken.map(([name, value]) => `${kebab(flagOf(name))} ${String(value)}`).join(', ');
  return { sampling, notices: list === '' ? [] : [`Sampling as the model’s file recommends: ${list}.`] };
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
