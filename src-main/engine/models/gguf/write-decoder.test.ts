import { expect, it } from 'vitest';
import { HF_FOLDERS, hfFolder } from '../../test-support/hf-fixtures.ts';
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

it.each(HF_FOLDERS)('the metadata written for %s reads as the same model', async (folder) => {
  const model = await openHfFolder(hfFolder(folder));
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
  expect(keys.warnings).toEqual([]);
  // Conversion folds the rest of the scale into the queries.
  expect(comparable(read)).toEqual(comparable({ ...hyper, attentionScale: gguf.attentionScale(hyper) }));
  await model.close();
});
