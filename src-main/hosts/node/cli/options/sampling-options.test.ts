import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../../../../engine/defaults.ts';
import { addSamplingOptions, addStopOptions, samplingParams, stopParams } from './sampling-options.ts';

function parse(...args: string[]) {
  const command = new Command().exitOverride().configureOutput({ outputError: () => undefined });
  addSamplingOptions(command);
  addStopOptions(command);
  command.parse(args, { from: 'user' });
  return { sampling: samplingParams(command.opts()), stop: stopParams(command.opts()) };
}

describe('sampling and stop flags', () => {
  it('leave the defaults alone when absent', () => {
    expect(parse()).toEqual({ sampling: defaultSamplingParams(), stop: defaultStopParams() });
  });

  it('set every parameter', () => {
    const { sampling, stop } = parse(
      ...'--temperature 0.7 --top-k 5 --top-p 0.9 --min-p 0.1 --repeat-penalty 1.1 --frequency-penalty 0.2'.split(' '),
      ...'--presence-penalty -0.3 --penalty-last-n -1 --logit-bias 3=5 --logit-bias 4=-5 --seed 42'.split(' '),
      ...'--samplers temperature,top_k;top_k --max-tokens 7 --stop . --repetition 0 --time-limit 1.5'.split(' '),
      '--stop',
      'the end',
      '--ignore-eos',
    );
    expect(sampling).toEqual({
      samplers: ['temperature', 'top_k', 'top_k'],
      temperature: 0.7,
      topK: 5,
      topP: 0.9,
      minP: 0.1,
      repeatPenalty: 1.1,
      frequencyPenalty: 0.2,
      presencePenalty: -0.3,
      penaltyLastN: -1,
      logitBias: [
        [3, 5],
        [4, -5],
      ],
      seed: 42,
    });
    expect(stop).toEqual({
      maxTokens: 7,
      stopStrings: ['.', 'the end'],
      repetitionWindow: 0,
      timeLimitMs: 1500,
      ignoreEos: true,
    });
  });

  it('greedy works whatever the stages', () => {
    expect(parse('--greedy', '--temperature', '2').sampling.temperature).toBe(0);
    expect(parse('--greedy', '--samplers', 'top_k').sampling.samplers).toEqual(['top_k', 'temperature']);
  });

  it('know the stages by name', () => {
    expect(() => parse('--samplers', 'top_k,dry')).toThrow(/"dry" is none of penalties, top_k/);
    expect(parse('--samplers', '').sampling.samplers).toEqual([]);
  });
});
