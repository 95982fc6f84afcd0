import { describe, expect, it } from 'vitest';
import { memoryModelFiles } from '../../test-support/model-files.ts';
import type { TensorJson } from '../../test-support/hf-dtypes.ts';
import { hfFolderBytes } from '../../test-support/hf-fixtures.ts';
import { safetensorsBytes } from '../../test-support/safetensors.ts';
import { buildProgram } from '../architectures/index.ts';
import { openHfFolder } from './open-folder.ts';

/** A folder with a changed safetensors header and the same data. */
function withHeader(folder: string, change: (header: Record<string, TensorJson>) => void) {
  const files = hfFolderBytes(folder);
  const bytes = files['model.safetensors'];
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, TensorJson>;
  change(header);
  const changed = safetensorsBytes(JSON.stringify(header), bytes.subarray(8 + length));
  return memoryModelFiles(folder, { ...files, 'model.safetensors': changed });
}

function rename(header: Record<string, TensorJson>, from: string, to: string) {
  header[to] = header[from];
  delete header[from];
}

async function checked(files: ReturnType<typeof memoryModelFiles>) {
  const source = await openHfFolder(files);
  const { weights } = buildProgram(source, 16);
  for (const { name, shape } of weights) source.weights.check(name, shape);
  return source;
}

describe('the weights of a Hugging Face folder', () => {
  it('are also found in a base model, whose names lack the prefix', async () => {
    const files = withHeader('llama-tied', (header) => {
      for (const name of Object.keys(header)) if (name !== '__metadata__') rename(header, name, name.slice(6));
    });
    await expect(checked(files)).resolves.toBeDefined();
  });

  it('name the missing tensor', async () => {
    const files = withHeader('llama', (header) =>
      rename(header, 'model.layers.1.mlp.up_proj.weight', 'model.layers.1.mlp.rotary_emb.inv_freq'),
    );
    await expect(checked(files)).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message: 'model.safetensors: tensor "model.layers.1.mlp.up_proj.weight" of shape [160, 64] is missing.',
    });
  });

  it('refuse a tensor that the configuration does not use', async () => {
    const files = withHeader('llama', (header) => {
      header['model.layers.0.self_attn.q_proj.bias'] = { dtype: 'F32', shape: [0], data_offsets: [0, 0] };
    });
    await expect(checked(files)).rejects.toMatchObject({
      code: 'MODEL_FORMAT',
      message:
        'model.safetensors: tensor "model.layers.0.self_attn.q_proj.bias" does not belong to the llama model in the config.',
    });
  });

  it('name the wrong shape as stored in the file', async () => {
    const files = withHeader('gpt2', (header) => header['transformer.h.0.attn.c_attn.weight'].shape.reverse());
    await expect(checked(files)).rejects.toThrow(
      'tensor "transformer.h.0.attn.c_attn.weight" has shape [192, 64], but the model needs [64, 192].',
    );
  });
});

describe('a folder without a tokenizer', () => {
  it('works with token ids only', async () => {
    const { tokenizer, bosTokenId, eosTokenIds } = await openHfFolder(memoryModelFiles('gpt2', hfFolderBytes('gpt2')));
    expect({ bosTokenId, eosTokenIds }).toEqual({ bosTokenId: 312, eosTokenIds: [312] });
    expect(tokenizer.decode([5, 319])).toBe('[5][319]');
    expect(tokenizer.stream().push(7)).toBe('[7]');
    expect(() => tokenizer.piece(320)).toThrow('There is no token 320: ids run from 0 to 319.');
    expect(() => tokenizer.encode('Hello')).toThrow(
      'The model has no tokenizer.json, so text cannot be tokenized. Use token ids instead',
    );
  });
});

describe('a tokenizer with more tokens than the model', () => {
  interface TokenizerJson {
    added_tokens: object[];
    model: { vocab: Record<string, number> };
  }

  function opened(change: (json: TokenizerJson) => void) {
    const files = hfFolderBytes('llama');
    const json = JSON.parse(new TextDecoder().decode(files['tokenizer.json'])) as TokenizerJson;
    change(json);
    const changed = new TextEncoder().encode(JSON.stringify(json));
    return openHfFolder(memoryModelFiles('llama', { ...files, 'tokenizer.json': changed }));
  }

  it('loses the added ones, like that of images in text models of Gemma 3', async () => {
    const { tokenizer } = await opened((json) => {
      json.added_tokens.push({ id: 320, content: '<image_soft_token>', special: true });
    });
    expect(tokenizer.vocabularySize).toBe(320);
    const text = 'a<image_soft_token>';
    const ids = tokenizer.encode(text, { addSpecial: false, parseSpecial: true });
    expect(Math.max(...ids)).toBeLessThan(320);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it('is refused if they are in the vocabulary itself', async () => {
    const message = 'tokenizer.json: the vocabulary has 321 tokens, but the model has only 320.';
    await expect(opened((json) => (json.model.vocab['more'] = 320))).rejects.toThrow(message);
  });
});
