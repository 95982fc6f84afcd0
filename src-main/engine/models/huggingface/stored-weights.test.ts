import { describe, expect, it } from 'vitest';
import { batchOf } from '../../executors/batch.ts';
import type { Executor } from '../../executors/executor.ts';
import { createReferenceExecutor } from '../../executors/reference/reference-executor.ts';
import { createWasmExecutor, wasmMemoryOf } from '../../executors/wasm/wasm-executor.ts';
import { SafetensorsFile } from '../../formats/safetensors/safetensors-file.ts';
import { SafetensorsFolder } from '../../formats/safetensors/safetensors-folder.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import type { ByteSource, ModelFiles } from '../../api/platform.ts';
import type { WeightDeclaration } from '../../program/weights.ts';
import { elementCount } from '../../tensor/shape.ts';
import { hfFolderBytesAs } from '../../test-support/hf-dtypes.ts';
import { HF_FOLDERS, hfFolderBytes } from '../../test-support/hf-fixtures.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { memoryModelFiles } from '../../test-support/model-files.ts';
import type { DescribedModel } from '../architectures/architecture.ts';
import { buildProgram } from '../architectures/index.ts';
import { openHfFolder } from './open-folder.ts';
import { hfTensor } from './tensor-names.ts';
import { HfWeights } from './weights.ts';
import { openModel, openSource } from '../open-model.ts';
import { fromSource } from '../opened-model.ts';
import { readerOf } from '../weight-source.ts';

/** Every fixture, and every layout change in every dtype. */
const MODELS: readonly [name: string, dtype: string, files: () => Record<string, Uint8Array>][] = [
  ...HF_FOLDERS.map((folder): (typeof MODELS)[number] => {
    const dtype = /-(b?f16)$/.exec(folder)?.[1].toUpperCase() ?? 'F32';
    return [folder, dtype, () => hfFolderBytes(folder)];
  }),
  ...['gpt2', 'gemma3', 'llama-bias-hd', 'phi3'].flatMap((folder) =>
    (['F16', 'BF16'] as const).map((dtype): (typeof MODELS)[number] => {
      return [`${folder} as ${dtype}`, dtype, () => hfFolderBytesAs(folder, dtype)];
    }),
  ),
];

interface Opened {
  weights: HfWeights;
  model: DescribedModel;
  declared: readonly WeightDeclaration[];
}

async function open(files: ModelFiles, sliceBytes?: number): Promise<Opened> {
  const model = await openHfFolder(files);
  const weights = new HfWeights(await SafetensorsFolder.open(files), model, sliceBytes);
  return { weights, model, declared: buildProgram(model, 16).weights };
}

/** The files with reads that go through `read`. */
function reading(files: ModelFiles, read: (source: ByteSource, ...range: Parameters<ByteSource['read']>) => unknown) {
  return {
    ...files,
    async open(name: string) {
      const source = await files.open(name);
      return { ...source, read: (...range: Parameters<ByteSource['read']>) => read(source, ...range) };
    },
  } as ModelFiles;
}

interface Slice {
  readonly row: number;
  readonly rows: number;
  readonly bytes: Uint8Array;
}

async function readStored(weights: HfWeights, weight: WeightDeclaration): Promise<{ slices: Slice[]; read: number }> {
  const slices: Slice[] = [];
  let read = 0;
  await weights.readRows(weight, {
    onRows: (bytes, row, rows) => void slices.push({ row, rows, bytes: bytes.slice() }),
    onBytes: (bytes) => (read += bytes),
  });
  return { slices, read };
}

/** The values in GGUF's layout, each looked up in the folder. */
async function expectedValues(
  files: ModelFiles,
  model: DescribedModel,
  { name, shape }: WeightDeclaration,
): Promise<{ values: Float32Array; storedBytes: number }> {
  const { names, layout } = hfTensor(name, model)!;
  for (const fileName of files.names.filter((file) => file.endsWith('.safetensors'))) {
    const file = await SafetensorsFile.open(await files.open(fileName));
    const source = names.find((candidate) => file.tensors.has(candidate));
    if (source === undefined) continue;
    const { begin, end } = file.check(source);
    const { data } = await file.readTensor(source);
    const [rows, width] = [shape[0], elementCount(shape.slice(1))];
    const values = Float32Array.from(data, (_, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      if (layout.change === 'plus-one') return data[i] + 1;
      if (layout.change === 'transpose') return data[column * rows + row];
      if (layout.change === 'none') return data[i];
      const headDim = rows / layout.heads;
      const [head, within] = [Math.floor(row / headDim), row % headDim];
      return data[(head * headDim + (within % 2) * (headDim / 2) + (within >> 1)) * width + column];
    });
    return { values, storedBytes: end - begin };
  }
  throw new Error(`${name} is in no file.`);
}

const bits = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/** Row by row is slow, so by default only the models that cover all layout changes do it. */
const BY_ROWS = ['gpt2', 'llama', 'gemma3 as BF16', 'phi3 as F16'];

describe.each(MODELS)('the stored weights of %s', (_name, dtype, bytes) => {
  it.each(isFull ? [undefined, 1, 3000] : BY_ROWS.includes(_name) ? [1] : [3000])(
    'match the folder, in slices of %s bytes',
    async (sliceBytes) => {
      const files = memoryModelFiles('model', bytes());
      const { weights, model, declared } = await open(files, sliceBytes);
      for (const weight of declared) {
        const { name, shape } = weight;
        const { values, storedBytes } = await expectedValues(files, model, weight);
        const { slices, read } = await readStored(weights, weight);
        const type = weights.typeOf(weight);
        const isChanged = hfTensor(name, model)!.layout.change === 'plus-one';
        expect(type.name, name).toBe(isChanged ? 'F32' : dtype);
        expect(read, name).toBe(storedBytes);

        const found = new Float32Array(values.length);
        const [rows, width] = shape.length > 1 ? shape : [1, shape[0]];
        let next = 0;
        for (const slice of slices) {
          expect(slice.row, name).toBe(next);
          expect(slice.bytes.length, name).toBe(slice.rows * width * type.blockBytes);
          type.dequantize(slice.bytes, 0, found, slice.row * width, slice.rows * width);
          next += slice.rows;
        }
        expect(next, name).toBe(rows);
        expect(bits(found).equals(bits(values)), name).toBe(true);
        const tensor = await weights.readTensor(name, { shape });
        expect(tensor.shape).toEqual(shape);
        expect(bits(tensor.data).equals(bits(values)), name).toBe(true);
      }
    },
  );
});

const MATRICES = [
  ['none', 'llama', 'blk.0.ffn_up.weight'],
  ['interleave', 'llama', 'blk.0.attn_q.weight'],
  ['transpose', 'gpt2', 'blk.0.ffn_up.weight'],
] as const;

describe.each(MATRICES)('a matrix whose layout change is %s', (change, folder, name) => {
  const files = memoryModelFiles(folder, hfFolderBytes(folder));
  const weightOf = ({ declared }: Opened) => declared.find((weight) => weight.name === name)!;

  it('is passed on in small slices that share one buffer', async () => {
    const inRoom = reading(files, async (source, offset, length, room) => {
      room?.set(await source.read(offset, length));
      return room?.subarray(0, length) ?? source.read(offset, length);
    });
    const opened = await open(inRoom, 5000);
    const [buffers, sizes] = [new Set<ArrayBufferLike>(), [] as number[]];
    await opened.weights.readRows(weightOf(opened), {
      onRows: (bytes) => {
        buffers.add(bytes.buffer);
        sizes.push(bytes.length);
      },
    });
    expect(sizes.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5000);
    expect(buffers.size).toBe(1);
  });

  it('can be cancelled before it is read and between slices', async () => {
    const opened = await open(files, 5000);
    for (const slices of [0, 1]) {
      const cancel = { cancelled: slices === 0 };
      let read = 0;
      const onBytes = () => {
        read++;
        cancel.cancelled = true;
      };
      const rows = opened.weights.readRows(weightOf(opened), { onRows: () => undefined, onBytes, cancel });
      await expect(rows).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(read).toBe(slices);
    }
  });

  it('may start at any byte', async () => {
    const odd = reading(files, async (source, offset, length) => {
      const shifted = new Uint8Array(length + 1);
      shifted.set(await source.read(offset, length), 1);
      return shifted.subarray(1);
    });
    const [there, here] = [await open(odd), await open(files)];
    const found = await there.weights.readTensor(name, weightOf(there));
    expect(bits(found.data).equals(bits((await here.weights.readTensor(name, weightOf(here))).data))).toBe(true);
  });

  it('is refused when the file became shorter, or has another shape or type', async () => {
    let isShort = false;
    const shortened = reading(files, async (source, offset, length) => {
      const bytes = await source.read(offset, length);
      return isShort ? bytes.subarray(1) : bytes;
    });
    const opened = await open(shortened);
    const weight = weightOf(opened);
    isShort = true;
    await expect(readStored(opened.weights, weight)).rejects.toMatchObject({ code: 'MODEL_IO' });
    const longer = { name, shape: [weight.shape[0] + 2, weight.shape[1]] };
    expect(() => opened.weights.typeOf(longer)).toThrow(/has shape .* but the model needs/);
    await expect(readStored(opened.weights, longer)).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
    expect(change).toBe(hfTensor(name, opened.model)!.layout.change);
  });
});

it('a truncated file is refused before weights are read', async () => {
  const bytes = hfFolderBytes('llama-f16');
  const cut = { ...bytes, 'model.safetensors': bytes['model.safetensors'].subarray(0, -2) };
  await expect(open(memoryModelFiles('cut', cut))).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
});

describe('folders on the wasm executor', () => {
  const CONTEXT = 64;
  /** Float32 sums through all layers: relative errors of about 1e-5, squared. */
  const NMSE = 1e-9;

  it.each(MODELS)('%s computes the logits of the reference executor', async (_name, _dtype, bytes) => {
    const files = memoryModelFiles('model', bytes());
    const { program, weights } = await openModel(files, { contextSize: CONTEXT });
    const reference = createReferenceExecutor(program, weights, { cells: CONTEXT });
    const { stored } = fromSource(await openSource(files)).weights;
    // K and V as exact as in the reference executor, so that only the weights can differ.
    const options = { kernels: testKernels(), cells: CONTEXT, kvCacheType: 'f32' } as const;
    const executor = await createWasmExecutor(program, stored!, options);
    const ids = Array.from({ length: 40 }, (_, i) => (i * 37 + 11) % program.vocabularySize);
    const error = normalisedError(await allLogits(executor, ids), await allLogits(reference, ids));
    await executor.dispose();
    expect(error).toBeLessThan(NMSE);
  });

  it('need two bytes less per matrix weight, and half the cache, when stored as F16', async () => {
    const [whole, half] = await Promise.all(
      ['llama', 'llama-f16'].map(async (folder) => {
        const opened = fromSource(await openSource(memoryModelFiles(folder, hfFolderBytes(folder))));
        const program = opened.buildProgram(CONTEXT);
        const matrices = program.weights.filter(({ shape }) => shape.length > 1);
        const values = matrices.reduce((sum, { shape }) => sum + elementCount(shape), 0);
        return { ...wasmMemoryOf(program, readerOf(opened.weights), CONTEXT, 1, 'unsigned'), values };
      }),
    );
    expect(half.weights).toBe(whole.weights - 2 * whole.values);
    expect(half.kvCache).toBe(whole.kvCache / 2);
  });

  async function allLogits(executor: Executor, ids: number[]): Promise<Float32Array[]> {
    const { logits } = await executor.run(batchOf([new KvCache(CONTEXT).append(0, ids)]), { logits: [...ids.keys()] });
    return Promise.all(logits.map((handle) => handle.read()));
  }

  function normalisedError(found: readonly Float32Array[], expected: readonly Float32Array[]): number {
    let [error, size] = [0, 0];
    expected.forEach((row, r) =>
      row.forEach((value, i) => {
        error += (found[r][i] - value) ** 2;
        size += value ** 2;
      }),
    );
    return Number.isNaN(error) ? Infinity : error / size;
  }
});
