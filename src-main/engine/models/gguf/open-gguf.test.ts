import { beforeAll, describe, expect, it } from 'vitest';
import type { TypedValue } from '../../formats/gguf/writer.ts';
import type { ModelFiles } from '../../api/platform.ts';
import { memoryModelFiles } from '../../test-support/model-files.ts';
import { type GgufChanges, rewriteGguf } from '../../test-support/rewrite-gguf.ts';
import { tinyGguf } from '../../test-support/tiny-gguf.ts';
import type { LoadProgress } from '../../api/types.ts';
import { openModel, openSource } from '../open-model.ts';

const uint = (value: number): TypedValue => ({ type: 'uint32', value });
const float = (value: number): TypedValue => ({ type: 'float32', value });
const text = (value: string): TypedValue => ({ type: 'string', value });

const originals = new Map<string, Uint8Array>();

async function changed(name: string, changes: GgufChanges): Promise<ModelFiles> {
  return memoryModelFiles('changed', { 'model.gguf': await rewriteGguf(originals.get(name)!, changes) });
}

async function hyperparameters(name: string, metadata: GgufChanges['metadata'] = {}) {
  const source = await openSource(await changed(name, { metadata }));
  return source.hyperparameters;
}

beforeAll(async () => {
  for (const name of ['llama', 'gemma2', 'gemma3', 'olmo2', 'phi3-longrope', 'llama-rope-freqs']) {
    originals.set(name, await tinyGguf(name));
  }
});

describe('hyperparameters of a GGUF file', () => {
  it('fills in absent keys as llama.cpp does', async () => {
    const llama = await hyperparameters('llama', {
      'llama.attention.head_count_kv': null,
      'llama.rope.dimension_count': null,
      'llama.rope.freq_base': null,
    }).catch((error: unknown) => error);
    expect(llama).toMatchObject({
      headCount: 4,
      headCountKv: 4,
      keyLength: 16,
      attentionScale: 0.25,
      rope: { dimensionCount: 16, freqBase: 10_000, scaling: { type: 'none' }, attentionFactor: 1 },
      slidingWindow: null,
      tiedEmbeddings: false,
    });
    expect(
      await hyperparameters('gemma2', {
        'gemma2.attention.sliding_window': null,
        'gemma2.attn_logit_softcapping': null,
        'gemma2.final_logit_softcapping': null,
      }),
    ).toMatchObject({
      slidingWindow: 4096,
      attentionLogitSoftcap: 50,
      finalLogitSoftcap: 30,
      localLayers: [true, false, true, false],
      tiedEmbeddings: true,
    });
    expect(await hyperparameters('gemma3', { 'gemma3.attention.sliding_window': null })).toMatchObject({
      slidingWindow: null,
      localLayers: [false, false, false, false, false, false],
      finalLogitSoftcap: null,
    });
  });

  it('reads the local layers from a period or a list', async () => {
    const key = 'gemma3.attention.sliding_window_pattern';
    expect((await hyperparameters('gemma3')).localLayers).toEqual([true, true, true, true, true, false]);
    const period = await hyperparameters('gemma3', { [key]: uint(3) });
    expect(period.localLayers).toEqual([true, true, false, true, true, false]);
    const list = await hyperparameters('gemma3', { [key]: { type: 'array', value: Uint8Array.of(0, 1, 1, 0, 0, 1) } });
    expect(list.localLayers).toEqual([false, true, true, false, false, true]);
  });

  it('reads the rotary bases of Gemma 3 from the keys of llama.cpp or of Ollama', async () => {
    const bases = async (metadata: GgufChanges['metadata']) => {
      const without = { 'gemma3.rope.freq_base': null, 'gemma3.rope.freq_base_swa': null };
      const { rope, ropeLocal } = await hyperparameters('gemma3', { ...without, ...metadata });
      return [rope?.freqBase, ropeLocal?.freqBase];
    };
    const [base, local] = ['gemma3.rope.freq_base', 'gemma3.rope.freq_base_swa'];
    const ollama = { 'gemma3.rope.global.freq_base': float(2e6), 'gemma3.rope.local.freq_base': float(2e4) };
    expect(await bases(ollama)).toEqual([2e6, 2e4]);
    expect(await bases({ ...ollama, [base]: float(3e6), [local]: float(3e4) })).toEqual([3e6, 3e4]);
    expect(await bases({})).toEqual([1e6, 1e4]);
  });

  it('recognises OLMo 3 by its window: local layers, whose rotary embedding is not scaled', async () => {
    const yarn = {
      'olmo2.block_count': uint(5),
      'olmo2.rope.scaling.type': text('yarn'),
      'olmo2.rope.scaling.factor': float(8),
      'olmo2.rope.scaling.original_context_length': uint(64),
    };
    const scaled = { freqBase: 5e5, scaling: { type: 'yarn', factor: 8 }, attentionFactor: 1 + 0.1 * Math.log(8) };
    const windowed = { ...yarn, 'olmo2.attention.sliding_window': uint(16) };
    expect(await hyperparameters('olmo2', windowed)).toMatchObject({
      slidingWindow: 16,
      localLayers: [true, true, true, false, true],
      rope: scaled,
      ropeLocal: { freqBase: 5e5, scaling: { type: 'none' }, attentionFactor: 1 },
    });
    const pattern: TypedValue = { type: 'array', value: Uint8Array.of(0, 1, 1, 0, 1) };
    const listed = await hyperparameters('olmo2', { ...windowed, 'olmo2.attention.sliding_window_pattern': pattern });
    expect(listed.localLayers).toEqual([false, true, true, false, true]);
    const olmo2 = await hyperparameters('olmo2', yarn);
    expect(olmo2).toMatchObject({ slidingWindow: null, localLayers: Array(5).fill(false), rope: scaled });
    expect(olmo2.ropeLocal).toEqual(olmo2.rope);
  });

  it('recognises the 27B models of Gemma, whose scores have another scale, by their layer count', async () => {
    const gemma3 = await hyperparameters('gemma3', { 'gemma3.block_count': uint(62) });
    expect(gemma3.attentionScale).toBe(1 / Math.sqrt(16));
    expect((await hyperparameters('gemma3')).attentionScale).toBe(1 / Math.sqrt(24));
  });

  it('reads every type of rotary scaling', async () => {
    const scaling = async (metadata: GgufChanges['metadata']) => (await hyperparameters('llama', metadata)).rope;
    expect(await scaling({ 'llama.rope.scaling.factor': float(4) })).toMatchObject({
      scaling: { type: 'linear', factor: 4 },
      attentionFactor: 1,
    });
    expect(await scaling({ 'llama.rope.scale_linear': float(2) })).toMatchObject({
      scaling: { type: 'linear', factor: 2 },
    });
    expect(
      await scaling({ 'llama.rope.scaling.type': text('none'), 'llama.rope.scaling.factor': float(4) }),
    ).toMatchObject({ scaling: { type: 'none' } });
    const yarn = await scaling({ 'llama.rope.scaling.type': text('yarn'), 'llama.rope.scaling.factor': float(4) });
    expect(yarn).toMatchObject({
      scaling: { type: 'yarn', factor: 4, originalContextLength: 512, betaFast: 32, betaSlow: 1 },
      attentionFactor: 1 + 0.1 * Math.log(4),
    });
    expect((await hyperparameters('llama-rope-freqs')).rope?.freqDivisors).toHaveLength(8);
    const phi3 = await hyperparameters('phi3-longrope');
    expect(phi3.rope).toMatchObject({ scaling: { type: 'longrope', originalContextLength: 256 }, dimensionCount: 12 });
    expect(phi3.rope?.attentionFactor).toBeCloseTo(1.19, 2);
  });

  const list = (...values: number[]): TypedValue => ({ type: 'array', value: Uint32Array.from(values) });

  it('accepts a list that repeats one number as that number', async () => {
    expect(await hyperparameters('llama', { 'llama.attention.head_count_kv': list(2, 2, 2) })).toMatchObject({
      headCountKv: 2,
    });
  });

  const refused: [string, string, Record<string, TypedValue | null>, string][] = [
    [
      'UNSUPPORTED_ARCHITECTURE',
      'another architecture',
      { 'general.architecture': text('mamba') },
      'the architecture mamba is not supported. Supported: llama, qwen2, ',
    ],
    [
      'MODEL_FORMAT',
      'no architecture',
      { 'general.architecture': null },
      '"general.architecture" is missing; it must be a string.',
    ],
    ['UNSUPPORTED_ARCHITECTURE', 'experts', { 'llama.expert_count': uint(8) }, 'the model is a mixture of 8 experts'],
    [
      'UNSUPPORTED_ARCHITECTURE',
      'layers that differ',
      { 'llama.attention.head_count_kv': list(2, 4, 2) },
      '"llama.attention.head_count_kv" differs from layer to layer',
    ],
    [
      'UNSUPPORTED_ARCHITECTURE',
      'values of another width',
      { 'llama.attention.value_length': uint(8) },
      '"llama.attention.key_length" is 16 and "llama.attention.value_length" is 8',
    ],
    [
      'MODEL_FORMAT',
      'no layers',
      { 'llama.block_count': null },
      '"llama.block_count" is missing; it must be a whole number from 1 to 1024.',
    ],
    [
      'MODEL_FORMAT',
      'too many layers',
      { 'llama.block_count': uint(4_000_000_000) },
      '"llama.block_count" is 4000000000',
    ],
    [
      'MODEL_FORMAT',
      'a text for a number',
      { 'llama.embedding_length': text('64') },
      '"llama.embedding_length" is "64"',
    ],
    [
      'MODEL_FORMAT',
      'heads that K/V heads do not divide',
      { 'llama.attention.head_count_kv': uint(3) },
      '"llama.attention.head_count_kv" is 3; it must be a divisor of 4',
    ],
    [
      'MODEL_FORMAT',
      'heads that do not divide the width',
      { 'llama.attention.head_count': uint(5), 'llama.attention.head_count_kv': null },
      '"llama.attention.head_count" is 5; it must be a divisor of 64',
    ],
    [
      'MODEL_FORMAT',
      'half a pair',
      { 'llama.rope.dimension_count': uint(7) },
      '"llama.rope.dimension_count" is 7; it must be an even number',
    ],
    [
      'MODEL_FORMAT',
      'more dimensions than a head has',
      { 'llama.rope.dimension_count': uint(18) },
      '"llama.rope.dimension_count" is 18; it must be a whole number from 2 to 16',
    ],
    [
      'MODEL_FORMAT',
      'an unknown scaling',
      { 'llama.rope.scaling.type': text('magic') },
      '"llama.rope.scaling.type" is "magic"',
    ],
    [
      'MODEL_FORMAT',
      'an epsilon of 0',
      { 'llama.attention.layer_norm_rms_epsilon': float(0) },
      '"llama.attention.layer_norm_rms_epsilon" is 0; it must be a number above 0',
    ],
    ['MODEL_FORMAT', 'not a number', { 'llama.rope.freq_base': float(NaN) }, '"llama.rope.freq_base" is NaN'],
    ['MODEL_FORMAT', 'no tokens', { 'tokenizer.ggml.tokens': null }, '"tokenizer.ggml.tokens" is missing'],
    ['MODEL_FORMAT', 'no merges', { 'tokenizer.ggml.merges': null }, 'tokenizer.ggml.merges is missing'],
    [
      'MODEL_FORMAT',
      'another number of token types',
      { 'tokenizer.ggml.token_type': list(1, 2) },
      '"tokenizer.ggml.token_type" is a list of 2; it must be a list of 320 numbers',
    ],
    [
      'MODEL_FORMAT',
      'a bos that is no number',
      { 'tokenizer.ggml.bos_token_id': text('<s>') },
      '"tokenizer.ggml.bos_token_id" is "<s>"; it must be a whole number',
    ],
    [
      'UNSUPPORTED_TOKENIZER',
      'an unknown tokenizer',
      { 'tokenizer.ggml.model': text('rwkv') },
      'unknown tokenizer type "rwkv"',
    ],
    [
      'UNSUPPORTED_TOKENIZER',
      'a tokenizer with the name of a property that every object has',
      { 'tokenizer.ggml.model': text('constructor') },
      'unknown tokenizer type "constructor"',
    ],
  ];
  it.each(refused)('refuses, as %s, %s', async (code, _, metadata, message) => {
    const error: unknown = await openModel(await changed('llama', { metadata })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'EngineError', code });
    expect((error as Error).message).toMatch(/^model\.gguf: /);
    expect((error as Error).message).toContain(message);
  });
});

describe('opening a GGUF model', () => {
  it('names a missing, misshapen or unsupported tensor before it reads any', async () => {
    const attempts: [NonNullable<GgufChanges['tensors']>, string, string][] = [
      [{ 'blk.1.ffn_up.weight': null }, 'MODEL_FORMAT', 'tensor "blk.1.ffn_up.weight" of shape [160, 64] is missing.'],
      [
        { 'blk.2.attn_k.weight': { shape: [64, 32] } },
        'MODEL_FORMAT',
        'tensor "blk.2.attn_k.weight" has shape [64, 32], but the model needs [32, 64].',
      ],
      [
        { 'output.weight': { typeId: 19 } },
        'UNSUPPORTED_TENSOR_TYPE',
        'tensor "output.weight" is stored as IQ1_S, which Tokenscope does not support.',
      ],
    ];
    for (const [tensors, code, message] of attempts) {
      const phases: string[] = [];
      const opening = openModel(await changed('llama', { tensors }), { onProgress: ({ phase }) => phases.push(phase) });
      await expect(opening).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
      expect(phases).not.toContain('weights');
    }
  });

  it('uses the token table as the output matrix when there is none', async () => {
    const model = await openModel(await changed('llama', { tensors: { 'output.weight': null } }));
    expect(model.program.weights.map(({ name }) => name)).not.toContain('output.weight');
    expect(model.config.parameters).toBeLessThan((await openModel(await changed('llama', {}))).config.parameters);
  });

  it('describes the model and limits its context', async () => {
    const long = { 'llama.context_length': uint(131_072), 'general.name': text('A Long One') };
    const files = await changed('llama', { metadata: long });
    expect((await openModel(files)).config).toMatchObject({ id: 'changed', name: 'A Long One', contextSize: 4096 });
    expect((await openModel(files, { contextSize: 9000 })).config.contextSize).toBe(9000);
    expect((await openModel(await changed('llama', {}))).config.contextSize).toBe(512);
    for (const contextSize of [0, 1.5, 131_073]) {
      await expect(openModel(files, { contextSize })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
        message: `The context size is ${contextSize}, but for A Long One it must be a whole number from 1 to 131072.`,
      });
    }
    const unnamed = await openModel(await changed('llama', { metadata: { 'general.name': null } }));
    expect(unnamed.name).toBe('model');
  });

  it('warns when it has to guess the pre-tokenizer', async () => {
    const warnings: string[] = [];
    const files = await changed('llama', { metadata: { 'tokenizer.ggml.pre': text('brand-new') } });
    await openModel(files, { onWarning: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringContaining('model.gguf: tokenizer.ggml.pre is "brand-new"')]);
  });

  it('warns about tensors that the architecture does not have, and not about those that are no weights', async () => {
    const warned = async (files: ModelFiles) => {
      const warnings: string[] = [];
      await openModel(files, { onWarning: (message) => warnings.push(message) });
      return warnings;
    };
    // Without an output matrix, the model uses the token table.
    const renamed = (name: string) => changed('llama', { tensors: { 'output.weight': { name } } });
    expect(await warned(await renamed('blk.0.attn_sinks.weight'))).toEqual([
      "model.gguf: tensors that the model's architecture does not have are ignored, so the output may be wrong: " +
        '"blk.0.attn_sinks.weight".',
    ]);
    expect(await warned(await changed('llama', { metadata: { 'llama.block_count': uint(2) } }))).toEqual([
      expect.stringMatching(/: "blk\.2\.\w+\.weight", "blk\.2\.\w+\.weight", "blk\.2\.\w+\.weight" and 6 more\.$/),
    ]);
    for (const name of ['cls.output.weight', 'v.patch_embd.weight', 'mm.0.weight']) {
      expect(await warned(await renamed(name))).toEqual([]);
    }
    for (const name of originals.keys()) expect(await warned(await changed(name, {}))).toEqual([]);
  });

  it('reports progress up to the last byte and can be cancelled at every step', async () => {
    const files = await changed('llama', {});
    const seen: LoadProgress[] = [];
    await openModel(files, { onProgress: (progress) => seen.push(progress) });
    const { size } = await files.open('model.gguf');
    expect(seen.at(-1)).toEqual({ phase: 'ready', bytesRead: size, totalBytes: size });
    expect(seen.every(({ bytesRead }, i) => i === 0 || bytesRead >= seen[i - 1].bytesRead)).toBe(true);
    for (let at = 1; at < seen.length; at += 5) {
      const cancel = { cancelled: false };
      let steps = 0;
      const onProgress = () => (cancel.cancelled = ++steps === at);
      await expect(openModel(files, { onProgress, cancel })).rejects.toMatchObject({ code: 'CANCELLED' });
    }
  });

  it('reads each byte of the weights once, in slices', async () => {
    const files = await changed('llama', {});
    const reads: [number, number][] = [];
    let open = 0;
    const watched: ModelFiles = {
      ...files,
      async open(name) {
        const source = await files.open(name);
        open++;
        const read = (offset: number, length: number) => {
          reads.push([offset, length]);
          return source.read(offset, length);
        };
        return { ...source, read, close: async () => void open-- };
      },
    };
    await openModel(watched);
    expect(open).toBe(0);
    const { size } = await files.open('model.gguf');
    const total = reads.reduce((sum, [, length]) => sum + length, 0);
    // The header's window reaches into the data once.
    expect(total).toBeLessThan(size + 2 ** 18 + 1);
    expect(Math.max(...reads.map(([, length]) => length))).toBeLessThanOrEqual(4 * 2 ** 20);

    await openModel({ ...watched, open: async (name) => ({ ...(await watched.open(name)), size: 100 }) }).catch(
      () => {},
    );
    expect(open).toBe(0);
  });
});

describe('a model split into files', () => {
  const partName = (no: number, count = 3) =>
    `big-${String(no).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.gguf`;

  /** Three parts, each with some of the tensors; metadata in the first. */
  async function split(metadata: (no: number) => Record<string, TypedValue | null> = () => ({})) {
    const original = originals.get('llama')!;
    const shares = [(n: string) => n.startsWith('blk.0'), (n: string) => n.startsWith('blk.1')];
    const keep = [(n: string) => !shares[0](n) && !shares[1](n), ...shares];
    const files: Record<string, Uint8Array> = {};
    for (const no of [0, 1, 2]) {
      const values = { 'split.no': uint(no), 'split.count': uint(3), 'split.tensors.count': uint(30), ...metadata(no) };
      files[partName(no + 1)] = await rewriteGguf(original, { metadata: values, keep: keep[no] });
    }
    return files;
  }

  it('is opened from all parts', async () => {
    const files = await split();
    const whole = await openModel(memoryModelFiles('whole', { 'big.gguf': originals.get('llama')! }));
    const model = await openModel(memoryModelFiles('big', files));
    expect(model.config.parameters).toBe(whole.config.parameters);
    expect(model.config.fileBytes).toBe(Object.values(files).reduce((sum, { length }) => sum + length, 0));
    for (const { name } of model.program.weights) expect(model.weights.get(name)).toEqual(whole.weights.get(name));
  });

  it('names the missing parts', async () => {
    const files = await split();
    delete files[partName(2)];
    await expect(openModel(memoryModelFiles('big', files))).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: `big is split into 3 files, and 1 of them are missing: ${partName(2)}. Put all parts in one folder.`,
    });
    const [first] = Object.values(files);
    await expect(openModel(memoryModelFiles('big', { 'renamed.gguf': first }))).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: expect.stringContaining('renamed.gguf is one of 3 parts of a model.') as string,
    });
  });

  it('refuses parts that do not belong together', async () => {
    const mixed = await split((no) => ({ 'split.no': uint(no === 1 ? 2 : no) }));
    await expect(openModel(memoryModelFiles('big', mixed))).rejects.toThrow('"split.no" is 2, but should be 1');
    const files = await split();
    const same = { ...files, [partName(3)]: files[partName(2)] };
    await expect(openModel(memoryModelFiles('big', same))).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
    const others = { 'a.gguf': files[partName(1)], 'b.gguf': files[partName(2)] };
    await expect(openModel(memoryModelFiles('folder', others))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'folder holds 2 GGUF files: a.gguf, b.gguf. Open one of them instead.',
    });
  });
});
