import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blockTypeOf, type GgufFile, readGguf } from '../../src-main/engine/formats/gguf/gguf-file.ts';
import { memorySource } from '../../src-main/engine/test-support/model-files.ts';
import { tinyGguf } from '../../src-main/engine/test-support/tiny-gguf.ts';
import { type Mix, type ModelShape, randomModelBytes, SHAPES, writeRandomModel } from './random-model.ts';

const SMALL: ModelShape = {
  width: 256,
  blocks: 8,
  feedForward: 512,
  heads: 4,
  keyValueHeads: 2,
  headSize: 64,
  vocabularySize: 700,
  contextSize: 128,
};

let folder: string;
let vocabulary: GgufFile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenscope-random-'));
  vocabulary = await readGguf(memorySource('tiny.gguf', await tinyGguf('llama')));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(mix: Mix, seed?: number): Promise<{ bytes: Buffer; file: GgufFile }> {
  const path = join(folder, `${mix}.${seed ?? 0}.gguf`);
  await writeRandomModel(path, SMALL, mix, vocabulary, seed);
  const bytes = await readFile(path);
  return { bytes, file: await readGguf(memorySource(path, bytes)) };
}

describe.each<Mix>(['Q4_K_M', 'Q8_0'])('random weights as %s', (mix) => {
  it('vary around 0 as those of a trained model do', async () => {
    const { bytes, file } = await written(mix);
    for (const tensor of file.tensors.values()) {
      if (tensor.typeName === 'F32') continue;
      const values = new Float32Array(tensor.elements);
      const type = blockTypeOf(tensor);
      type.dequantize(bytes, tensor.offset, values, 0, tensor.elements / type.blockSize);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
      // Trained matrices of this width deviate by 0.02 to 0.06.
      expect(Math.abs(mean), tensor.name).toBeLessThan(0.002);
      expect(deviation, tensor.name).toBeGreaterThan(0.01);
      expect(deviation, tensor.name).toBeLessThan(0.06);
    }
  });

  it('have the size that is known before', async () => {
    const { file } = await written(mix);
    const bytes = [...file.tensors.values()].reduce((sum, tensor) => sum + (tensor.bytes ?? 0), 0);
    expect(randomModelBytes(SMALL, mix)).toBe(bytes);
  });

  it('depend on the seed alone', async () => {
    const [first, again, other] = [await written(mix, 1), await written(mix, 1), await written(mix, 2)];
    expect(first.bytes.equals(again.bytes)).toBe(true);
    expect(first.bytes.equals(other.bytes)).toBe(false);
  });
});

it('mixes Q4_K and Q6_K as llama.cpp does', async () => {
  const { file } = await written('Q4_K_M');
  const typeOf = (name: string) => file.tensors.get(`${name}.weight`)?.typeName;
  expect(typeOf('token_embd')).toBe('Q6_K');
  // Of 8 blocks: the first, the last, and every third one after the first.
  const careful = Array.from({ length: 8 }, (_, i) => typeOf(`blk.${i}.ffn_down`) === 'Q6_K');
  expect(careful).toEqual([true, false, false, true, false, false, true, true]);
  expect(typeOf('blk.0.attn_v')).toBe('Q6_K');
  expect(typeOf('blk.0.attn_q')).toBe('Q4_K');
});

it('has shapes with about as many parameters as their names say', () => {
  const parameters = ({ width, blocks, feedForward, heads, keyValueHeads, headSize, vocabularySize }: ModelShape) =>
    vocabularySize * width + blocks * width * (2 * heads * headSize + 2 * keyValueHeads * headSize + 3 * feedForward);
  for (const [name, shape] of Object.entries(SHAPES)) {
    const billions = parameters(shape) / 1e9;
    expect(Math.abs(billions / Number.parseInt(name, 10) - 1), name).toBeLessThan(0.25);
  }
});
