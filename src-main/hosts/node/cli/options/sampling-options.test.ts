import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../../../../engine/api/defaults.ts';
import { addSamplingOptions, addStopOptions, samplingParams, stopParams } from './sampling-options.ts';

function parse(...args: string[]) {
  const command = new Command().exitOverride().configureOutput({ outputError: () => undefined });
  addSamplingOptions(command);
  addStopOptions(command);
  command.parse(args, { from: 'user' });
  return { sampling: samplingParams(command.opts()), stop: stopParams(command.opts()) };
}

describe('sampling and stop flags', () => {
  it('keep the defaults when absent', () => {
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
      ...defaultSamplingParams(),
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

  it('set the other samplers, with llama.cpp’s names', () => {
    const { sampling } = parse(
      ...'--typical-p 0.9 --top-nsigma 1.5 --xtc-probability 0.5 --xtc-threshold 0.2 --min-keep 3'.split(' '),
      ...'--dry-multiplier 0.8 --dry-base 2 --dry-allowed-length 3 --dry-penalty-last-n -1'.split(' '),
      ...['--dry-sequence-breaker', '\\n', '--dry-sequence-breaker', ' of'],
      ...'--dynatemp-range 0.5 --dynatemp-exp 1.5 --mirostat 2 --mirostat-ent 4 --mirostat-lr 0.2'.split(' '),
      ...'--adaptive-target 0.3 --adaptive-decay 0.5'.split(' '),
      ...'--samplers xtc;top-n-sigma;typ_p;temp;dry'.split(' '),
    );
    expect(sampling).toEqual({
      ...defaultSamplingParams(),
      samplers: ['xtc', 'top_n_sigma', 'typical', 'temperature', 'dry'],
      typicalP: 0.9,
      topNSigma: 1.5,
      xtcProbability: 0.5,
      xtcThreshold: 0.2,
      minKeep: 3,
      dryMultiplier: 0.8,
      dryBase: 2,
      dryAllowedLength: 3,
      dryPenaltyLastN: -1,
      drySequenceBreakers: ['\n', ' of'],
      dynatempRange: 0.5,
      dynatempExponent: 1.5,
      mirostat: 2,
      mirostatTau: 4,
      mirostatEta: 0.2,
      adaptiveTarget: 0.3,
      adaptiveDecay: 0.5,
    });
    expect(parse('--dry-sequence-breaker', 'none').sampling.drySequenceBreakers).toEqual([]);
    expect(() => parse('--mirostat', '3')).toThrow(/0 \(off\), 1 or 2/);
  });

  it('replace escapes in stop strings, as llama.cpp does, but not in banned texts', () => {
    const { sampling, stop } = parse('--stop', '\\n', '--stop', 'a\\tb\\\\n', '--ban', '\\nabla');
    expect(stop.stopStrings).toEqual(['\n', 'a\tb\\n']);
    expect(sampling.bannedTexts).toEqual(['\\nabla']);
    const help = addStopOptions(new Command()).configureHelp({ helpWidth: 200 }).helpInformation();
    expect(help).toMatch(/--stop <text> +stop before this text, where \\n is a line feed and \\t a tab; repeatable\n/);
  });

  it('have llama.cpp’s aliases, which the help omits', () => {
    const { sampling, stop } = parse(
      ...'--temp 0.5 --typical 0.9 --top-n-sigma 1 --repeat-last-n 8 --n-predict 3'.split(' '),
    );
    expect(sampling).toMatchObject({ temperature: 0.5, typicalP: 0.9, topNSigma: 1, penaltyLastN: 8 });
    expect(stop.maxTokens).toBe(3);
    expect(parse('--temp', '0.5', '--temperature', '0.7').sampling.temperature).toBe(0.7);
    const help = addSamplingOptions(new Command()).helpInformation();
    expect(help).toContain('--temperature <t>');
    expect(help).not.toContain('--temp ');
  });

  it('have a line of help each, under the heading of their group', () => {
    const command = addStopOptions(addSamplingOptions(new Command()));
    const help = command.configureHelp({ helpWidth: 200 }).helpInformation();
    const groups = [...help.matchAll(/^(\S.*):\n/gm)].map(([, heading]) => heading);
    expect(groups).toEqual([
      'Sampling',
      'Reply content',
      'More samplers, off by default',
      'Stop conditions',
      'Options',
    ]);
    expect(help).toMatch(
      /--min-p <p> +keep tokens with at least this share of the top token's probability; 0 = off \(default: 0.05\)/,
    );
    expect(help).toMatch(/--samplers <names> +sampler stages, in order \(default: penalties,dry,top_n_sigma,/);
    expect(help).toMatch(
      /--seed <n> +the same seed gives the same text \(default: a random seed, which is reported\)\n/,
    );
    expect(help).toMatch(/--max-tokens <n> +generate at most n tokens \(default: 256\)/);
  });

  it('set the reply’s grammar, text biases and banned texts', () => {
    const { sampling } = parse(
      '--ban',
      'New York',
      '--ban',
      'x',
      '--bias',
      'a=b=+2',
      '--bias',
      'c=-1.5',
      '--grammar',
      'root ::= "a"',
    );
    expect(sampling).toEqual({
      ...defaultSamplingParams(),
      bannedTexts: ['New York', 'x'],
      textBias: [
        ['a=b', 2],
        ['c', -1.5],
      ],
      grammar: { kind: 'gbnf', source: 'root ::= "a"' },
    });
    expect(parse('--json-schema', '{}').sampling.grammar).toEqual({ kind: 'json_schema', source: '{}' });
    const file = fileURLToPath(new URL('../../../../../package.json', import.meta.url));
    expect(parse('--json-schema-file', file).sampling.grammar?.source).toContain('"tokenscope"');
    expect(parse('--grammar-file', file).sampling.grammar?.kind).toBe('gbnf');
    expect(() => parse('--grammar', 'a', '--json-schema', '{}')).toThrow('Use only one of');
    expect(() => parse('--grammar-file', '/no/such/file')).toThrow('Cannot read the file');
    expect(() => parse('--bias', 'cat')).toThrow('TEXT=BIAS');
    expect(() => parse('--bias', 'cat=much')).toThrow('Expected a number');
  });

  it('greedy works with any stages', () => {
    expect(parse('--greedy', '--temperature', '2').sampling.temperature).toBe(0);
    expect(parse('--greedy', '--dynatemp-range', '0.5').sampling.dynatempRange).toBe(0);
    expect(parse('--greedy', '--samplers', 'top_k').sampling.samplers).toEqual(['top_k', 'temperature']);
  });

  it('accept the stages by name', () => {
    expect(() => parse('--samplers', 'top_k,magic')).toThrow(/Unknown name "magic"\. Expected: penalties, dry/);
    expect(parse('--samplers', '').sampling.samplers).toEqual([]);
  });
});
