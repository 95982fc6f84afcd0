import { SAMPLING_SETTINGS } from '../../src-main/engine/settings/sampling.ts';
import type { SamplingParams } from '../../src-main/engine/api/types.ts';

/** Numbers by their flags: `top-k=3 seed=1`. @throws Error for an unknown flag */
export function samplingOf(text: string): Partial<SamplingParams> {
  const parts = text.split(' ').filter((part) => part !== '');
  return Object.fromEntries(
    parts.map((part) => {
      const [flag, value] = part.split('=');
      const row = Object.entries(SAMPLING_SETTINGS).find(([, { flag: own }]) => own?.split(' ')[0] === `--${flag}`);
      if (row === undefined) throw new Error(`There is no flag --${flag}.`);
      return [row[0], Number(value)];
    }),
  );
}
