import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { SamplingParams } from '../../../../engine/api/types.ts';
import { givenOn, withModelDefaults } from './model-defaults.ts';
import { addSamplingOptions, samplingParams, type SamplingOptions } from './sampling-options.ts';

const RECOMMENDED: Partial<SamplingParams> = { temperature: 0.6, topK: 20, mirostatTau: 4, samplers: ['top_k'] };

function chosen(...args: string[]) {
  const command = addSamplingOptions(new Command());
  command.parse(args, { from: 'user' });
  const params = samplingParams(command.opts<SamplingOptions>());
  return withModelDefaults(params, RECOMMENDED, givenOn(command));
}

describe('withModelDefaults', () => {
  it('uses what the file recommends, with a notice', () => {
    const { sampling, notices } = chosen();
    expect(sampling).toMatchObject({ ...RECOMMENDED, topP: 0.95 });
    expect(notices).toEqual([
      'Using sampling settings recommended by the model’s file: temperature 0.6, top-k 20, mirostat-ent 4, samplers top_k.',
    ]);
  });

  it('keeps every flag that was passed, even with its default value', () => {
    const { sampling, notices } = chosen('--top-k', '40', '--mirostat-ent', '5', '--samplers', 'top_k,temperature');
    expect(sampling).toMatchObject({ temperature: 0.6, topK: 40, mirostatTau: 5, samplers: ['top_k', 'temperature'] });
    expect(notices).toEqual(['Using sampling settings recommended by the model’s file: temperature 0.6.']);
    const all = chosen('--top-k', '1', '--mirostat-ent', '5', '--samplers', 'top_k', '--temperature', '1');
    expect(all.notices).toEqual([]);
  });

  it('stays greedy', () => {
    const { sampling } = chosen('--greedy');
    expect(sampling).toMatchObject({ temperature: 0, topK: 20 });
    expect(sampling.samplers).toContain('temperature');
  });
});
