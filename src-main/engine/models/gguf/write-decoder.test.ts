import { expect, it } from 'vitest';
import type { ModelFiles } from '../../api/platform.ts';
import { HF_FOLDERS, hfFolder, hfFolderBytes, hfFolderWith } from '../../test-support/hf-fixtures.ts';
import { memoryModelFiles } from '../../test-support/model-files.ts';
import { buildProgram } from '../architectures/index.ts';
import { openHfFolder } from '../huggingface/open-folder.ts';
import type { Hyperparameters, RopeParameters } from '../hyperparameters.ts';
import { ropeTable } from '../rope-table.ts';
import { MetadataReader } from './metadata-reader.ts';
import { GgufKeys } from './write-decoder.ts';

/** One context for which LongRoPE uses its short factors, and one for the long ones. */
const CONTEXTS = [16, 4096];
/** Frequencies that are divided and multiplied again are off by a rounding step. */
const DIGITS = 12;

/** The hyperparameters with rotary embedding computed, to compare different descriptions of it. */
function comparable(hyper: Hyperparameters): unknown {
  const tables = (rope: RopeParameters | null) => rope && CONTEXTS.map((context) => ropeTable(rope, context));
  const resolved = { ...hyper, rope: tables(hyper.rope), ropeLocal: tables(hyper.ropeLocal) };
  const round = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(DIGITS)) : value);
  return JSON.parse(JSON.stringify(resolved, round)) as unknown;
}

/** Writes the metadata of a folder's model and reads it. */
async function writeAndRead(files: ModelFiles) {
  const model = await openHfFolder(files);
  const { architecture, hyperparameters: hyper } = model;
  const gguf = architecture.gguf!;
  const keys = new GgufKeys(architecture.name);
  gguf.write(hyper, keys);
  const names = new Set(buildProgram(model, 1).weights.map(({ name }) => name));
  const metadata = new Map([...keys.metadata].map(([key, { value }]) => [key, value as number | string]));
  const read = gguf.read({
    reader: new MetadataReader(metadata, 'written.gguf'),
    architecture: architecture.name,
    key: (name) => `${architecture.name}.${name}`,
    vocabularySize: hyper.vocabularySize,
    tensors: {
      has: (name) => names.has(name),
      ropeFreqs: keys.vectors.get('rope_freqs.weight') ?? null,
      ropeFactorsShort: keys.vectors.get('rope_factors_short.weight') ?? null,
      ropeFactorsLong: keys.vectors.get('rope_factors_long.weight') ?? null,
    },
  });
  await model.close();
  expect(keys.warnings).toEqual([]);
  // Conversion folds the rest of the scale into the queries.
  return { metadata, read, written: { ...hyper, attentionScale: gguf.attentionScale(hyper) } };
}

it.each(HF_FOLDERS)('the metadata written for %s reads as the same model', async (folder) => {
  const { read, written } = await writeAndRead(hfFolder(folder));
  expect(comparable(read)).toEqual(comparable(written));
});

it('the metadata written for OLMo 3 reads as the same model, and OLMo 2 has no window', async () => {
  const files = hfFolderBytes('olmo2');
  const config = JSON.parse(new TextDecoder().decode(files['config.json'])) as object;
  const rope_scaling = { rope_type: 'yarn', factor: 8, original_max_position_embeddings: 64 };
  const olmo3 = JSON.stringify({ ...config, model_type: 'olmo3', sliding_window: 16, rope_scaling });
  const { metadata, read, written } = await writeAndRead(
    memoryModelFiles('olmo3', { ...files, 'config.json': new TextEncoder().encode(olmo3) }),
  );
  expect(metadata.get('olmo2.attention.sliding_window')).toBe(16);
  expect(comparable(read)).toEqual(comparable(written));
  const olmo2 = await writeAndRead(memoryModelFiles('olmo2', files));
  expect([...olmo2.metadata.keys()].filter((key) => key.includes('sliding_window'))).toEqual([]);
});

it.each([
  ['attn_logit_softcapping', 'attention scores without a soft cap'],
  ['final_logit_softcapping', 'logits without a soft cap'],
])('a Gemma 2 model without %s is refused, because llama.cpp cannot compute it', async (key, what) => {
  const files = hfFolderWith('gemma2', { 'config.json': { [key]: null } });
  await expect(writeAndRead(files)).rejects.toMatchObject({
    code: 'UNSUPPORTED_ARCHITECTURE',
    message: `The gemma2 model has ${what}, for which GGUF has no key. You can run it as it is, but not convert it.`,
  });
});
