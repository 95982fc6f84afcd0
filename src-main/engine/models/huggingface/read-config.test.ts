import { describe, expect, it } from 'vitest';
import { ConfigReader } from '../config-reader.ts';
import { readHfConfig } from './read-config.ts';

type Json = Record<string, unknown>;

const SIZE = {
  vocab_size: 320,
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 3,
  num_attention_heads: 4,
};

function read(config: Json, generation: Json | null = null, hasOutputMatrix = false) {
  const generationConfig = generation && new ConfigReader(generation, 'generation_config.json');
  return readHfConfig(new ConfigReader({ ...SIZE, ...config }, 'config.json'), { hasOutputMatrix, generationConfig });
}
const hyper = (config: Json) => read(config).hyperparameters;

describe('a config.json without optional keys', () => {
  it.each<[string, Json]>([
    ['llama', { headCountKv: 4, keyLength: 16, normEpsilon: 1e-6, contextLength: 2048, slidingWindow: null }],
    ['gemma2', { headCountKv: 4, keyLength: 256, attentionScale: 1 / 16, attentionLogitSoftcap: 50 }],
    ['gemma2', { finalLogitSoftcap: 30, slidingWindow: 4096, localLayers: [true, false, true], contextLength: 8192 }],
    ['gemma3_text', { keyLength: 256, finalLogitSoftcap: null, slidingWindow: 4096, contextLength: 131_072 }],
    ['phi3', { normEpsilon: 1e-5, contextLength: 4096, slidingWindow: null }],
    ['smollm3', { headCountKv: 4, contextLength: 32_768, ropeLayers: [true, true, true] }],
    ['olmo2', { normEpsilon: 1e-5, contextLength: 2048, headCountKv: 4, slidingWindow: null }],
    ['olmo3', { normEpsilon: 1e-5, contextLength: 2048, slidingWindow: 4096, localLayers: [true, true, true] }],
  ])('of %s has the defaults of its class: %j', (model_type, expected) => {
    expect(hyper({ model_type })).toMatchObject(expected);
  });

  it('of qwen has 32 K/V heads, or as many as heads when it says null', () => {
    const size = { num_attention_heads: 32, hidden_size: 64 };
    expect(hyper({ model_type: 'qwen2', ...size })).toMatchObject({ headCountKv: 32, keyLength: 2 });
    expect(hyper({ model_type: 'qwen3', ...size })).toMatchObject({ headCountKv: 32, keyLength: 128 });
    expect(hyper({ model_type: 'qwen2', num_key_value_heads: null }).headCountKv).toBe(4);
  });

  it('of mistral is a llama whose layers all have a window', () => {
    expect(read({ model_type: 'mistral', num_attention_heads: 8 })).toMatchObject({
      architecture: { name: 'llama' },
      hyperparameters: {
        headCountKv: 8,
        contextLength: 131_072,
        slidingWindow: 4096,
        localLayers: [true, true, true],
      },
    });
  });

  it('of gpt2 has a feed-forward of four times the width', () => {
    const config = { model_type: 'gpt2', n_embd: 64, n_head: 4, n_layer: 2, n_inner: null };
    expect(hyper(config)).toMatchObject({ feedForwardLength: 256, contextLength: 1024, rope: null, headCountKv: 4 });
  });
});

describe('a config.json', () => {
  it('has a window only if it is switched on', () => {
    const qwen = { model_type: 'qwen2', num_key_value_heads: 2, sliding_window: 8, max_window_layers: 1 };
    expect(hyper(qwen)).toMatchObject({ slidingWindow: null, localLayers: [false, false, false] });
    expect(hyper({ ...qwen, use_sliding_window: true })).toMatchObject({
      slidingWindow: 8,
      localLayers: [false, true, true],
    });
    expect(hyper({ model_type: 'phi3', sliding_window: 8 }).localLayers).toEqual([true, true, true]);
    expect(hyper({ model_type: 'mistral', num_key_value_heads: 2, sliding_window: null }).slidingWindow).toBeNull();
  });

  it('is read from layer_types, not from the pattern next to it', () => {
    const layer_types = ['full_attention', 'sliding_attention', 'full_attention'];
    const config = { model_type: 'gemma3_text', layer_types, _sliding_window_pattern: 6, sliding_window_pattern: 2 };
    expect(hyper(config).localLayers).toEqual([false, true, false]);
    expect(hyper({ model_type: 'gemma3_text', sliding_window_pattern: 2 }).localLayers).toEqual([true, false, true]);
  });

  it('may switch soft-caps off with null', () => {
    const config = { model_type: 'gemma2', attn_logit_softcapping: null, final_logit_softcapping: null };
    expect(hyper(config)).toMatchObject({ attentionLogitSoftcap: null, finalLogitSoftcap: null });
  });

  it('describes rotary scaling in old keys and new ones', () => {
    const yarn = { type: 'yarn', factor: 4, original_max_position_embeddings: 64, mscale: 1, mscale_all_dim: 0.5 };
    const rope = {
      freqBase: 500,
      scaling: { type: 'yarn', factor: 4, originalContextLength: 64, betaFast: 32, betaSlow: 1, truncate: true },
      attentionFactor: (0.1 * Math.log(4) + 1) / (0.05 * Math.log(4) + 1),
    };
    expect(hyper({ model_type: 'llama', rope_theta: 500, rope_scaling: yarn }).rope).toMatchObject(rope);
    const rope_parameters = { ...yarn, rope_type: 'yarn', rope_theta: 500 };
    expect(hyper({ model_type: 'llama', rope_theta: 1, rope_parameters }).rope).toMatchObject(rope);
    const phi3 = { model_type: 'phi3', max_position_embeddings: 131_072, rope_scaling: longrope('su') };
    expect(hyper(phi3).rope).toMatchObject({
      scaling: { type: 'longrope', originalContextLength: 4096 },
      attentionFactor: Math.sqrt(1 + Math.log(32) / Math.log(4096)),
    });
  });

  it('may have its rotary base at the top level beside rope_parameters, as transformers reads it', () => {
    const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 64 };
    const qwen = { model_type: 'qwen3', num_key_value_heads: 4, rope_theta: 1e6 };
    const expected = { freqBase: 1e6, scaling: { type: 'yarn', factor: 4 } };
    expect(hyper({ ...qwen, rope_parameters: yarn }).rope).toMatchObject(expected);
    expect(hyper({ ...qwen, rope_parameters: yarn, rope_scaling: null }).rope).toMatchObject(expected);
    const same = { ...yarn, rope_type: undefined, type: 'yarn' };
    expect(hyper({ ...qwen, rope_parameters: yarn, rope_scaling: same }).rope).toMatchObject(expected);
    // In a Gemma 3, it is the base of the global layers.
    const rope_parameters = { full_attention: { rope_type: 'default' }, sliding_attention: { rope_type: 'default' } };
    const gemma = { model_type: 'gemma3_text', rope_theta: 5e5, rope_parameters };
    expect(hyper(gemma)).toMatchObject({ rope: { freqBase: 5e5 }, ropeLocal: { freqBase: 1e4 } });
    expect(hyper({ ...gemma, rope_local_base_freq: 2e4 })).toMatchObject({
      rope: { freqBase: 5e5 },
      ropeLocal: { freqBase: 2e4 },
    });
    const linear = { rope_type: 'linear', factor: 8 };
    const scaled = { ...rope_parameters, full_attention: linear };
    expect(hyper({ ...gemma, rope_parameters: scaled, rope_scaling: linear })).toMatchObject({
      rope: { scaling: { type: 'linear', factor: 8 } },
      ropeLocal: { scaling: { type: 'none' } },
    });
  });

  it('of olmo3 scales rotary embedding in global layers only, whichever keys describe it', () => {
    const yarn = { rope_type: 'yarn', factor: 8, original_max_position_embeddings: 64, attention_factor: 1.25 };
    const olmo3 = { model_type: 'olmo3', num_hidden_layers: 5, sliding_window: 16 };
    const expected = {
      slidingWindow: 16,
      localLayers: [true, true, true, false, true],
      rope: { freqBase: 5e5, scaling: { type: 'yarn', factor: 8 }, attentionFactor: 1.25 },
      ropeLocal: { freqBase: 5e5, scaling: { type: 'none' }, attentionFactor: 1 },
    };
    const flat = { ...yarn, rope_theta: 5e5 };
    const apart = (sliding_attention: Json) => ({ full_attention: flat, sliding_attention });
    const plain = { rope_type: 'default', rope_theta: 5e5 };
    expect(hyper({ ...olmo3, rope_theta: 5e5, rope_scaling: yarn })).toMatchObject(expected);
    expect(hyper({ ...olmo3, rope_parameters: flat })).toMatchObject(expected);
    expect(hyper({ ...olmo3, rope_parameters: apart(plain) })).toMatchObject(expected);
    expect(() => hyper({ ...olmo3, rope_parameters: apart(flat) })).toThrow(
      '"rope_parameters.sliding_attention.rope_type" is "yarn"; it must be "default"',
    );
    expect(() => hyper({ ...olmo3, rope_parameters: apart({ rope_theta: 1e4 }) })).toThrow(
      '"rope_parameters.sliding_attention.rope_theta" is 10000; it must be 500000, as in the other layers',
    );
    const layer_types = ['full_attention', ...Array<string>(4).fill('sliding_attention')];
    expect(hyper({ ...olmo3, layer_types }).localLayers).toEqual([false, true, true, true, true]);
  });

  it('names the end-of-generation tokens, as a number or a list, together with generation_config.json', () => {
    const llama = { model_type: 'llama' };
    expect(read(llama)).toMatchObject({ bosTokenId: 1, eosTokenIds: [2] });
    expect(read({ ...llama, eos_token_id: [7, 8] }, { eos_token_id: 9 }).eosTokenIds).toEqual([9, 7, 8]);
    expect(read({ ...llama, eos_token_id: 314 }, { eos_token_id: [314, 317] }).eosTokenIds).toEqual([314, 317]);
    expect(read({ ...llama, bos_token_id: null, eos_token_id: null })).toMatchObject({
      bosTokenId: null,
      eosTokenIds: [],
    });
    // The class's default 128001 is outside this vocabulary.
    expect(read({ model_type: 'smollm3' }).eosTokenIds).toEqual([]);
  });

  it('does not decide whether the output matrix is tied: the tensors do', () => {
    expect(read({ model_type: 'llama' }, null, false).hyperparameters.tiedEmbeddings).toBe(true);
    expect(read({ model_type: 'gemma2' }, null, true).hyperparameters.tiedEmbeddings).toBe(false);
  });
});

function longrope(type: string) {
  return { type, short_factor: Array(8).fill(1), long_factor: Array(8).fill(2) };
}

describe('an invalid config.json', () => {
  it('names an unknown model type and the supported ones', () => {
    expect(() => read({ model_type: 'mamba' })).toThrow(
      'config.json: the model_type mamba is not supported. Supported: llama, mistral, qwen2, ',
    );
    expect(() => read({ model_type: '__proto__' })).toThrow('not supported');
    expect(() => read({})).toThrow('model_type" is missing');
  });

  const gpt2 = { model_type: 'gpt2', n_embd: 64, n_head: 4, n_layer: 2 };
  it.each<[Json, string]>([
    [{ vocab_size: undefined }, '"vocab_size" is missing'],
    [{ num_hidden_layers: 1e9 }, '"num_hidden_layers" is 1000000000'],
    [{ num_key_value_heads: 3 }, '"num_key_value_heads" is 3; it must be a divisor of "num_attention_heads" (4)'],
    [{ hidden_size: 62 }, '"num_attention_heads" is 4; it must be a divisor of the hidden size (62)'],
    [{ hidden_act: 'gelu' }, '"hidden_act" is "gelu"; it must be "silu"'],
    [{ rms_norm_eps: 0 }, '"rms_norm_eps" is 0; it must be a number above 0'],
    [{ head_dim: 15 }, '"head_dim" is 15; it must be even'],
    [
      { model_type: 'phi3', partial_rotary_factor: 0.2 },
      '"partial_rotary_factor" is 0.2; it must be a factor that rotates an even',
    ],
    [{ partial_rotary_factor: 0.5 }, '"partial_rotary_factor" is 0.5; it must be 1 for this model_type'],
    [{ attention_bias: 'yes' }, '"attention_bias" is "yes"; it must be true or false'],
    [{ rope_scaling: 4 }, '"rope_scaling" is 4; it must be an object'],
    [{ rope_scaling: { rope_type: 'dynamic' } }, '"rope_scaling.rope_type" is "dynamic"; it must be one of default, '],
    [{ rope_scaling: { type: 'linear' } }, '"rope_scaling.factor" is missing'],
    [
      { rope_scaling: { type: 'longrope', short_factor: [1] } },
      '"rope_scaling.short_factor" is [1]; it must be a list of 8',
    ],
    [{ rope_parameters: { rope_type: 'llama3', factor: 8 } }, '"rope_parameters.low_freq_factor" is missing'],
    ...[
      { rope_type: 'default', rope_theta: 1e6 },
      { rope_type: 'linear', factor: 2 },
    ].map((rope_parameters): [Json, string] => [
      { rope_parameters, rope_scaling: { rope_type: 'linear', factor: 4 } },
      '"rope_scaling" is a nested value; it must be absent, or agree with "rope_parameters".',
    ]),
    [
      { rope_parameters: { rope_type: 'default' }, rope_scaling: { rope_type: 'default', rope_theta: 1e6 } },
      '"rope_scaling" is a nested value; it must be absent, or agree with "rope_parameters".',
    ],
    [{ eos_token_id: 320 }, '"eos_token_id" is 320; it must be a whole number from 0 to 319'],
    [{ eos_token_id: [1, 'x'] }, '"eos_token_id" is [1,"x"]; it must be a list'],
    [{ model_type: 'gemma3_text', layer_types: ['full_attention'] }, '"layer_types" is ["full_attention"]; it must be'],
    [{ model_type: 'gemma3_text', use_bidirectional_attention: true }, '"use_bidirectional_attention" is true'],
    [
      { model_type: 'smollm3', no_rope_layers: [1, 2, 1] },
      '"no_rope_layers" is [1,2,1]; it must be a list of 3 values',
    ],
    [{ ...gpt2, n_head: 5 }, '"n_head" is 5; it must be a divisor of the hidden size (64)'],
    [{ ...gpt2, scale_attn_by_inverse_layer_idx: true }, '"scale_attn_by_inverse_layer_idx" is true; it must be false'],
  ])('is refused: %j', (change, message) => {
    const model_type = 'llama';
    expect(() => read({ model_type, ...change })).toThrow(`config.json: ${message}`);
  });
});
