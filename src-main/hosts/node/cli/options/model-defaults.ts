import type { Command } from 'commander';
import type { SamplingParams } from '../../../../engine/types.ts';

/** Flags that are not called as what they set. */
const FLAGS: Readonly<Partial<Record<keyof SamplingParams, string>>> = {
  topNSigma: 'topNsigma',
  dynatempExponent: 'dynatempExp',
  mirostatTau: 'mirostatEnt',
  mirostatEta: 'mirostatLr',
};

/**
 * Sampling as the flags say, and where none was given, as the model's file recommends.
 * @param command whose flags they are
 */
export function withModelDefaults(
  params: SamplingParams,
  recommended: Partial<SamplingParams>,
  command: Command,
): SamplingParams {
  const isGiven = (flag: string) => !['default', undefined].includes(command.getOptionValueSource(flag));
  const open = Object.entries(recommended).filter(([name]) => {
    if (isGiven('greedy') && (name === 'temperature' || name === 'samplers')) return false;
    return !isGiven(FLAGS[name as keyof SamplingParams] ?? name);
  });
  return { ...params, ...(Object.fromEntries(open) as Partial<SamplingParams>) };
}
