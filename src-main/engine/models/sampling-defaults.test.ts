import { describe, expect, it } from 'vitest';
import type { MetadataValue } from '../formats/gguf/metadata.ts';
import { ConfigReader } from './config-reader.ts';
import { MetadataReader } from './gguf/metadata-reader.ts';
import { samplingDefaultsFromGguf, samplingDefaultsFromHf } from './sampling-defaults.ts';

function fromGguf(keys: Record<string, MetadataValue>) {
  const warnings: string[] = [];
  const entries = Object.entries(keys).map(([key, value]) => [`general.sampling.${key}`, value] as const);
  const reader = new MetadataReader(new Map(entries), 'model.gguf');
  return { defaults: samplingDefaultsFromGguf(reader, (warning) => warnings.push(warning)), warnings };
}

function fromHf(config: object | null) {
  const warnings: string[] = [];
  const reader = config === null ? null : new ConfigReader(config, 'generation_config.json');
  return { defaults: samplingDefaultsFromHf(reader, (warning) => warnings.push(warning)), warnings };
}

describe('general.sampling.* of a GGUF file', () => {
  it('is read by llama.cpp’s keys, with float32 rounded to the intended decimals', () => {
    const { defaults, warnings } = fromGguf({
      ...{ temp: Math.fround(0.6), top_k: 20, top_p: Math.fround(0.95), min_p: 0, penalty_last_n: -1 },
      ...{ penalty_repeat: Math.fround(1.05), xtc_probability: 0.5, xtc_threshold: Math.fround(0.1) },
      ...{ mirostat: 2, mirostat_tau: 4, mirostat_eta: Math.fround(0.2) },
    });
    expect(warnings).toEqual([]);
    expect(defaults).toEqual({
      ...{ temperature: 0.6, topK: 20, topP: 0.95, minP: 0, penaltyLastN: -1 },
      ...{ repeatPenalty: 1.05, xtcProbability: 0.5, xtcThreshold: 0.1 },
      ...{ mirostat: 2, mirostatTau: 4, mirostatEta: 0.2 },
    });
    expect(fromGguf({}).defaults).toEqual({});
  });

  it('names the stages in any of llama.cpp’s spellings', () => {
    const { defaults } = fromGguf({ sequence: 'top_k;typ_p;top-n-sigma;temp' });
    expect(defaults.samplers).toEqual(['top_k', 'typical', 'top_n_sigma', 'temperature']);
    const others = fromGguf({ sequence: 'top_k;nucleus;typ;temp;adaptive_p' });
    expect(others).toEqual({ defaults: { samplers: ['top_k', 'top_p', 'typical', 'temperature'] }, warnings: [] });
  });

  it('leaves out stages that are not known', () => {
    const { defaults, warnings } = fromGguf({ sequence: 'top_k;infill;temp' });
    expect(defaults.samplers).toEqual(['top_k', 'temperature']);
    expect(warnings).toEqual([
      'model.gguf: "general.sampling.sequence" has a stage that is not known, "infill". It is left out.',
    ]);
  });

  it('ignores invalid values with a warning', () => {
    const { defaults, warnings } = fromGguf({ temp: Number.NaN, top_p: 7, top_k: 'x', mirostat: 3, sequence: 'magic' });
    expect(defaults).toEqual({});
    expect(warnings).toHaveLength(5);
    expect(warnings).toContain(
      'model.gguf: "general.sampling.top_p" is 7, which is not valid. The app\'s default is used.',
    );
  });
});

describe('generation_config.json', () => {
  it('is read by Hugging Face’s names', () => {
    const config = { do_sample: true, temperature: 0.7, top_k: 20, top_p: 0.8, repetition_penalty: 1.05, min_p: null };
    expect(fromHf(config)).toEqual({
      defaults: { temperature: 0.7, topK: 20, topP: 0.8, repeatPenalty: 1.05, penaltyLastN: -1 },
      warnings: [],
    });
    expect(fromHf(null).defaults).toEqual({});
  });

  it('becomes greedy decoding when it turns sampling off', () => {
    const config = { do_sample: false, temperature: 0.7, top_k: 20, repetition_penalty: 1.2 };
    expect(fromHf(config).defaults).toEqual({ temperature: 0, repeatPenalty: 1.2, penaltyLastN: -1 });
  });

  it('changes the penalty window only for a repetition penalty, as a GGUF file does not', () => {
    expect(fromHf({ repetition_penalty: 1 }).defaults).toEqual({ repeatPenalty: 1 });
    expect(fromHf({ repetition_penalty: 'much' }).defaults).toEqual({});
    expect(fromGguf({ penalty_repeat: 1.5 }).defaults).toEqual({ repeatPenalty: 1.5 });
  });

  it('ignores invalid values with a warning', () => {
    const { defaults, warnings } = fromHf({ temperature: 'hot', top_k: { a: 1 } });
    expect(defaults).toEqual({});
    expect(warnings.join()).toMatch(/"temperature" is hot.*"top_k" is a nested value/);
  });
});
