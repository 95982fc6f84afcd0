import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelFiles } from '../api/platform.ts';
import { memoryModelFiles, nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { safetensorsBytes } from '../test-support/safetensors.ts';
import type { LoadProgress } from '../api/types.ts';
import { openModel } from './open-model.ts';

type Json = Record<string, unknown>;
interface TensorJson {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

describe('openModel', () => {
  let folder: Record<string, Uint8Array>;
  beforeAll(async () => {
    const files = await nodeModelFiles(TINY_TRANSFORMER_DIR);
    folder = {};
    for (const name of ['config.json', 'tokenizer.json', 'model.safetensors']) {
      const source = await files.open(name);
      folder[name] = await source.read(0, source.size);
    }
  });

  /** The built-in model's folder with some files replaced, or removed when null. */
  function withFiles(changes: Record<string, Uint8Array | string | null>): ModelFiles {
    const files = { ...folder };
    for (const [name, content] of Object.entries(changes)) {
      if (content === null) delete files[name];
      else files[name] = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    }
    return memoryModelFiles('changed', files);
  }

  function withConfig(changes: Json): ModelFiles {
    const config = JSON.parse(new TextDecoder().decode(folder['config.json'])) as Json;
    return withFiles({ 'config.json': JSON.stringify({ ...config, ...changes }) });
  }

  /** The weights with a changed header and the same data. */
  function withHeader(change: (header: Record<string, TensorJson>) => void): ModelFiles {
    const bytes = folder['model.safetensors'];
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, TensorJson>;
    change(header);
    return withFiles({ 'model.safetensors': safetensorsBytes(JSON.stringify(header), bytes.subarray(8 + length)) });
  }

  it('reports progress up to the last byte', async () => {
    const seen: LoadProgress[] = [];
    await openModel(withFiles({}), { onProgress: (progress) => seen.push(progress) });
    const totalBytes = Object.values(folder).reduce((sum, { length }) => sum + length, 0);
    expect(seen.map(({ phase }) => phase).filter((phase, i, all) => phase !== all[i - 1])).toEqual([
      'header',
      'tokenizer',
      'weights',
      'ready',
    ]);
    expect(seen.every(({ bytesRead }, i) => i === 0 || bytesRead >= seen[i - 1].bytesRead)).toBe(true);
    expect(seen.at(-1)).toEqual({ phase: 'ready', bytesRead: totalBytes, totalBytes });
  });

  it('can be cancelled at every step', async () => {
    let steps = 0;
    await openModel(withFiles({}), { onProgress: () => steps++ });
    for (let at = 1; at < steps; at++) {
      const cancel = { cancelled: false };
      let seen = 0;
      const onProgress = () => (cancel.cancelled = ++seen === at);
      await expect(openModel(withFiles({}), { onProgress, cancel })).rejects.toMatchObject({ code: 'CANCELLED' });
    }
  });

  it('closes every file, also when one is damaged', async () => {
    for (const files of [withFiles({}), withConfig({ vocab_size: -1 })]) {
      const open: string[] = [];
      const watched: ModelFiles = {
        ...files,
        async open(name) {
          open.push(name);
          const source = await files.open(name);
          return {
            ...source,
            close() {
              open.splice(open.indexOf(name), 1);
              return Promise.resolve();
            },
          };
        },
      };
      await openModel(watched).catch(() => undefined);
      expect(open).toEqual([]);
    }
  });

  const missing: [string, string][] = [
    ['config.json', 'has no config.json. A model is a GGUF file, or'],
    ['model.safetensors', 'has neither model.safetensors nor model.safetensors.index.json.'],
    ['tokenizer.json', 'has no tokenizer.json. A model is a GGUF file, or'],
  ];
  it.each(missing)('names %s when it is missing', async (name, message) => {
    await expect(openModel(withFiles({ [name]: null }))).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining(`The model changed ${message}`) as string,
      details: { file: name },
    });
  });

  it('names an unknown architecture and the supported ones', async () => {
    await expect(openModel(withFiles({ 'config.json': '{"model_type": "mamba"}' }))).rejects.toMatchObject({
      code: 'UNSUPPORTED_ARCHITECTURE',
      message: expect.stringMatching(/^config\.json: .*mamba.* Supported: llama, .*qwen3/) as string,
    });
    for (const config of ['{}', '{"architecture": "LlamaForCausalLM"}']) {
      await expect(openModel(withFiles({ 'config.json': config }))).rejects.toMatchObject({
        code: 'UNSUPPORTED_ARCHITECTURE',
        message: expect.stringMatching(/^config\.json: "model_type" is missing/) as string,
      });
    }
  });

  const badConfigs: [Json, string][] = [
    [{ vocab_size: 0 }, '"vocab_size" is 0; it must be a whole number from 1 to 1000000'],
    [{ vocab_size: 1e9 }, '"vocab_size" is 1000000000; it must be'],
    [{ hidden_size: 127 }, '"num_attention_heads" is 4; it must be a divisor of "hidden_size" (127)'],
    [{ hidden_size: '128' }, '"hidden_size" is "128"; it must be'],
    [{ num_hidden_layers: 1e9 }, '"num_hidden_layers" is 1000000000; it must be'],
    [{ num_hidden_layers: 1.5 }, '"num_hidden_layers" is 1.5; it must be'],
    [{ intermediate_size: undefined }, '"intermediate_size" is missing; it must be'],
    [{ max_position_embeddings: null }, '"max_position_embeddings" is null; it must be'],
    [{ layer_norm_eps: 0 }, '"layer_norm_eps" is 0; it must be a number above 0'],
    [{ layer_norm_eps: 'x'.repeat(5000) }, '"layer_norm_eps" is "xxx'],
    [{ hidden_act: 'gelu' }, '"hidden_act" is "gelu"; it must be "relu"'],
    [{ norm: 'pre' }, '"norm" is "pre"; it must be "post"'],
    [{ tie_word_embeddings: true }, '"tie_word_embeddings" is true; it must be false'],
    [{ bos_token_id: 8000 }, '"bos_token_id" is 8000; it must be a whole number from 0 to 7999'],
    [{ eos_token_id: -1 }, '"eos_token_id" is -1; it must be'],
    [{ masked_token_ids: [0, 8000] }, '"masked_token_ids" is [0,8000]; it must be a list'],
    [{ masked_token_ids: [2, 2] }, '"masked_token_ids" is [2,2]; it must be a list of different whole numbers'],
    [{ architecture: 5 }, '"architecture" is 5; it must be a string'],
  ];
  it.each(badConfigs)('refuses the configuration %j', async (changes, message) => {
    const error: unknown = await openModel(withConfig(changes)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'EngineError', code: 'MODEL_FORMAT' });
    expect((error as Error).message).toContain(`config.json: ${message}`);
    expect((error as Error).message.length).toBeLessThan(250);
  });

  const badFiles: [string, Record<string, string>, string][] = [
    ['a list', { 'config.json': '[]' }, 'config.json: the file is not a JSON object.'],
    ['cut off', { 'config.json': '{"architecture": "Tiny' }, 'config.json: the file is not valid JSON'],
    [
      'nested deeper than the stack',
      { 'config.json': `{"architecture":"TinyTransformer","hidden_act":${'['.repeat(200_000)}${']'.repeat(200_000)}}` },
      'config.json: "hidden_act" is a nested value; it must be "relu"',
    ],
    ['empty', { 'config.json': '' }, 'config.json: the file is not valid JSON'],
    [
      'absurdly large',
      { 'config.json': ' '.repeat(2 ** 20 + 1) },
      'config.json: the file has 1048577 bytes; the limit is',
    ],
    ['no JSON', { 'tokenizer.json': 'BPE' }, 'tokenizer.json: the file is not valid JSON'],
    ['empty', { 'model.safetensors': '' }, 'model.safetensors: the file has 0 bytes, too few for a safetensors header'],
  ];
  it.each(badFiles)('refuses a file that is %s', async (_, files, message) => {
    await expect(openModel(withFiles(files))).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: expect.stringContaining(message) as string,
    });
  });

  it('refuses text that is not UTF-8', async () => {
    const files = withFiles({ 'config.json': Uint8Array.of(0x7b, 0xff, 0x7d) });
    await expect(openModel(files)).rejects.toThrow('config.json: the file is not valid UTF-8.');
  });

  it('names a missing, misshapen or mistyped weight before it reads any', async () => {
    const renamed = withHeader((header) => {
      header['lm_head.weights'] = header['lm_head.weight'];
      delete header['lm_head.weight'];
    });
    await expect(openModel(renamed)).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: 'model.safetensors: tensor "lm_head.weight" of shape [8000, 128] is missing.',
    });
    const transposed = withHeader((header) => header['lm_head.weight'].shape.reverse());
    await expect(openModel(transposed)).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: 'model.safetensors: tensor "lm_head.weight" has shape [128, 8000], but the model needs [8000, 128].',
    });
    const integers = withHeader((header) => (header['lm_head.weight'].dtype = 'I32'));
    await expect(openModel(integers)).rejects.toMatchObject({
      code: 'UNSUPPORTED_TENSOR_TYPE',
      message: 'model.safetensors: tensor "lm_head.weight" has the dtype I32. Supported: F32, F16, BF16.',
    });
    await expect(openModel(withConfig({ intermediate_size: 512 }))).rejects.toThrow('but the model needs [512, 128]');
    await expect(openModel(withConfig({ num_hidden_layers: 3 }))).rejects.toThrow('"encoder.layers.2.');
  });

  it('refuses truncated weights', async () => {
    const cut = withFiles({ 'model.safetensors': folder['model.safetensors'].slice(0, 1_000_000) });
    await expect(openModel(cut)).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: expect.stringContaining('the file is truncated or damaged') as string,
    });
  });

  it('refuses a tokenizer of another model', async () => {
    const json = JSON.parse(new TextDecoder().decode(folder['tokenizer.json'])) as { model: { vocab: Json } };
    const last = Object.keys(json.model.vocab).find((piece) => json.model.vocab[piece] === 7999)!;
    delete json.model.vocab[last];
    await expect(openModel(withFiles({ 'tokenizer.json': JSON.stringify(json) }))).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: 'tokenizer.json: the vocabulary has 7999 tokens, but the model has 8000.',
    });
    await expect(openModel(withConfig({ bos_token_id: 1 }))).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: "tokenizer.json: text starts with token 0, but the model's bos_token_id is 1.",
    });
  });
});
