import { describe, expect, it } from 'vitest';
import { encodeChat } from '../chat/encode-chat.ts';
import { templateFormat } from '../chat/template-format.ts';
import { createReferenceExecutor } from '../executors/reference/reference-executor.ts';
import { readGguf } from '../formats/gguf/gguf-file.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import type { Model } from '../models/model.ts';
import { HF_FOLDERS, hfFolder, hfFolderBytes, hfFolderWith, readHfGolden } from '../test-support/hf-fixtures.ts';
import { memoryModelFiles, memorySource, nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { expectSameBits } from '../test-support/same-bits.ts';
import { openModel, openSource } from '../models/open-model.ts';
import { type QuantizeOptions, type QuantizeProgress, quantizeModel } from './quantize-model.ts';
import { TARGET_TYPES } from './storage-plan.ts';

/** Writes the new file. */
async function quantize(files: Parameters<typeof quantizeModel>[0], type: string, options: QuantizeOptions = {}) {
  const parts: Uint8Array[] = [];
  const write = (bytes: Uint8Array) => Promise.resolve(void parts.push(bytes.slice()));
  const quantized = await quantizeModel(files, type, { write }, options);
  return { ...quantized, bytes: new Uint8Array(Buffer.concat(parts)) };
}
const asModel = (bytes: Uint8Array) => memoryModelFiles('written', { 'written.gguf': bytes });
const withoutTokenizer = (folder: string) => {
  const { 'tokenizer.json': _, ...files } = hfFolderBytes(folder);
  return memoryModelFiles(folder, files);
};
const CONTEXT = 128;
/** Rows of the test models have 64 values: whole blocks of 32, none of 256. */
const typesOf = async (bytes: Uint8Array) => {
  const { tensors } = await readGguf(memorySource('written.gguf', bytes));
  return new Map([...tensors.values()].map(({ name, typeName }) => [name, typeName]));
};

describe.each(HF_FOLDERS)('the Hugging Face folder %s written as GGUF', (folder) => {
  const golden = readHfGolden(folder);

  it.each(['F32', 'F16'])('in %s gives the same logits', async (type) => {
    const { bytes, fileBytes } = await quantize(hfFolder(folder), type);
    expect(bytes.length).toBe(fileBytes);
    const logits = await runModel(await openModel(asModel(bytes), { contextSize: CONTEXT }), golden.prompt);
    // Rounding the weights to binary16 moves the logits of these models by a few hundredths.
    const exact = type === 'F32' || folder === 'llama-f16';
    golden.full_logits.positions.forEach((position, i) => {
      const differences = golden.full_logits.values[i].map((value, id) => Math.abs(value - logits[position][id]));
      expect(Math.max(...differences)).toBeLessThan(exact ? 2e-4 : 0.15);
    });
  });
});

describe('the tokenizer of a folder', () => {
  it.each(['llama', 'qwen2'])('%s is that of the GGUF file', async (folder) => {
    const warnings: string[] = [];
    const { bytes } = await quantize(hfFolder(folder), 'F32', { onWarning: (message) => warnings.push(message) });
    const { tokenizer, bosTokenId, eosTokenIds } = await openSource(asModel(bytes));
    for (const { text, add_special, ids } of readHfGolden(folder).tokenize!) {
      if (text !== text.normalize('NFC')) continue;
      expect(tokenizer.encode(text, { addSpecial: add_special, parseSpecial: true }), text).toEqual(ids);
    }
    expect(bosTokenId).toBe(folder === 'llama' ? 315 : null);
    expect(eosTokenIds).toContain(314);
    expect(warnings.some((message) => message.includes('NFC'))).toBe(folder === 'qwen2');
    const { metadata } = await readGguf(memorySource('written.gguf', bytes));
    expect(metadata.get('tokenizer.chat_template')).toContain('<|im_start|>');
  });

  it.each([
    ['PreTrainedTokenizerFast', {}],
    ['LlamaTokenizerFast', { add_bos_token: true }],
  ])('has the BOS and EOS of the chat template, with the class %s', async (name, flags) => {
    const template = '{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}';
    const files = hfFolderWith('llama', {
      'tokenizer.json': { post_processor: null },
      // The second of the end tokens.
      'tokenizer_config.json': { tokenizer_class: name, ...flags, eos_token: '<|eot|>', chat_template: template },
    });
    const { bytes } = await quantize(files, 'F32');
    const [before, after] = await Promise.all([openSource(files), openSource(asModel(bytes))]);
    const ids = ({ tokenizer, chat }: typeof before) => {
      const tokens = { bos: chat.bosToken, eos: chat.eosToken };
      const format = templateFormat({ source: chat.template!, name: 'It', tokens, now: new Date(0) });
      return encodeChat(format([{ role: 'user', text: 'Hi', index: 0 }]), tokenizer).map(({ id }) => id);
    };
    expect(ids(before)[0]).toBe(315);
    expect(ids(before).at(-1)).toBe(317);
    expect(ids(after)).toEqual(ids(before));
    expect(after.tokenizer.encode('Hi')).toEqual(before.tokenizer.encode('Hi'));
    expect(after.eosTokenIds).toEqual(expect.arrayContaining([...before.eosTokenIds]));
  });

  it('may be missing: the file then has token ids only', async () => {
    const warnings: string[] = [];
    const options = { onWarning: (message: string) => warnings.push(message) };
    const { bytes } = await quantize(withoutTokenizer('llama'), 'Q8_0', options);
    const { tokenizer, bosTokenId, eosTokenIds } = await openSource(asModel(bytes));
    expect({ size: tokenizer.vocabularySize, bosTokenId, eosTokenIds }).toEqual({
      size: 320,
      bosTokenId: 315,
      eosTokenIds: [314, 317],
    });
    expect(() => tokenizer.encode('Hello')).toThrow('The model has no vocabulary in written.gguf');
    expect(warnings).toEqual([
      'The folder has no tokenizer.json: the new file will work with token ids only, not text.',
    ]);
  });
});

describe('a GGUF file', () => {
  it('keeps its metadata byte by byte, except the type', async () => {
    const first = await quantize(hfFolder('llama'), 'F32');
    const second = await quantize(asModel(first.bytes), 'Q4_0');
    const [before, after] = await Promise.all(
      [first, second].map(({ bytes }) => readGguf(memorySource('written.gguf', bytes))),
    );
    expect(before.metadata.get('general.file_type')).toBe(0);
    expect(after.metadata.get('general.file_type')).toBe(2);
    const value = (bytes: Uint8Array, { offset, bytes: length }: { offset: number; bytes: number }) =>
      Buffer.from(bytes.subarray(offset, offset + length)).toString('hex');
    for (const [key, range] of before.metadataRanges) {
      if (key === 'general.file_type') continue;
      expect(value(second.bytes, after.metadataRanges.get(key)!), key).toBe(value(first.bytes, range));
    }
  });

  it('is copied where it has the type already, with the same result from a folder or a file', async () => {
    const f32 = await quantize(hfFolder('gemma3'), 'F32');
    const q4 = await quantize(asModel(f32.bytes), 'Q4_1');
    expectSameBits((await quantize(hfFolder('gemma3'), 'Q4_1')).bytes, q4.bytes);
    expectSameBits((await quantize(asModel(q4.bytes), 'Q4_1')).bytes, q4.bytes);
    expectSameBits((await quantize(asModel(f32.bytes), 'F32')).bytes, f32.bytes);
  });

  it('keeps norms, biases and positions in F32 and gives the last matrix more bits', async () => {
    const types = await typesOf((await quantize(hfFolder('gpt2'), 'Q4_0')).bytes);
    expect(types.get('blk.0.attn_qkv.weight')).toBe('Q4_0');
    expect(types.get('token_embd.weight')).toBe('Q4_0');
    expect(types.get('blk.0.attn_qkv.bias')).toBe('F32');
    expect(types.get('blk.0.ffn_norm.weight')).toBe('F32');
    expect(types.get('position_embd.weight')).toBe('F32');
    // 64 columns are not whole blocks of 256, which Q6_K needs.
    expect(types.get('output.weight')).toBe('Q8_0');
    const tied = await typesOf((await quantize(hfFolder('gpt2-bare'), 'Q4_K')).bytes);
    expect(tied.get('token_embd.weight')).toBe('Q8_0');
    const odd = await typesOf((await quantize(hfFolder('gemma3'), 'Q8_0')).bytes);
    // 4 heads of 20 are 80 columns.
    expect(odd.get('blk.0.attn_output.weight')).toBe('F16');
  });
});

describe('quantizing', () => {
  it('refuses a model of an architecture that GGUF lacks', async () => {
    await expect(quantize(await nodeModelFiles(TINY_TRANSFORMER_DIR), 'Q8_0')).rejects.toMatchObject({
      code: 'UNSUPPORTED_ARCHITECTURE',
      message: expect.stringContaining('GGUF has no architecture for a TinyTransformer.') as string,
    });
  });

  it('reports progress', async () => {
    const seen: QuantizeProgress[] = [];
    const { fileBytes } = await quantize(hfFolder('llama'), 'Q8_0', { onProgress: (progress) => seen.push(progress) });
    expect(seen.every(({ bytesWritten }, i) => i === 0 || bytesWritten > seen[i - 1].bytesWritten)).toBe(true);
    expect(seen.at(-1)).toMatchObject({ tensor: 30, tensors: 30, bytesWritten: fileBytes, totalBytes: fileBytes });
  });

  it('can be cancelled, and then closes its files', async () => {
    const cancel = { cancelled: false };
    const onProgress = ({ tensor }: QuantizeProgress) => (cancel.cancelled = tensor === 3);
    await expect(quantize(hfFolder('llama'), 'Q8_0', { cancel, onProgress })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  it('names the supported types', async () => {
    await expect(quantize(hfFolder('llama'), 'Q3_K')).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'Q3_K is not a supported target type. Choose one of F32, F16, Q8_0, Q6_K, Q4_K, Q4_1, Q4_0.',
    });
  });
});

describe('a weight that a type cannot hold', () => {
  const NAME = 'blk.0.ffn_up.weight';
  const INDEX = 70;
  const withWeight = async (value: number) => {
    const { bytes } = await quantize(hfFolder('llama'), 'F32');
    const { tensors } = await readGguf(memorySource('written.gguf', bytes));
    new DataView(bytes.buffer).setFloat32(tensors.get(NAME)!.offset + 4 * INDEX, value, true);
    return asModel(bytes);
  };

  describe.each([NaN, Infinity, -Infinity])('%d', (value) => {
    // Tensors that are F32 already are copied.
    it.each(TARGET_TYPES.filter((type) => type !== 'F32'))('is refused in %s, with its tensor', async (type) => {
      await expect(quantize(await withWeight(value), type)).rejects.toMatchObject({
        code: 'MODEL_FORMAT',
        message: `${NAME} has the value ${value} at index ${INDEX}. The model may be damaged; download or copy it again.`,
        details: { tensor: NAME, index: INDEX },
      });
    });
  });

  it('is refused in F16 if it would become infinite', async () => {
    await expect(quantize(await withWeight(1e5), 'F16')).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: `${NAME} has the value 100000 at index ${INDEX}, which is too large for F16 (at most 65504). Choose F32.`,
    });
    await expect(quantize(await withWeight(65_519), 'F16')).resolves.toMatchObject({ types: { F16: 23 } });
    await expect(quantize(await withWeight(1e5), 'Q8_0')).resolves.toMatchObject({ types: { Q8_0: 23 } });
  });
});

/** Logits after each of `ids`, in one batch from position 0: `[ids.length][vocabulary]`. */
async function runModel(model: Model, ids: readonly number[]): Promise<Float32Array[]> {
  const cells = model.config.contextSize;
  const executor = createReferenceExecutor(model.program, model.weights, { cells });
  const { context, ...slots } = new KvCache(cells).append(0, ids);
  const batch = { ...slots, sequences: new Int32Array(ids.length), contexts: [context] };
  const { logits } = await executor.run(batch, { logits: ids.map((_, i) => i) });
  return Promise.all(logits.map((row) => row.read()));
}
