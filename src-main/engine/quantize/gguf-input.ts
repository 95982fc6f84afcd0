import { EngineError } from '../api/errors.ts';
import { blockTypeOf, type GgufFile, type GgufTensor } from '../formats/gguf/gguf-file.ts';
import type { TypedValue } from '../formats/gguf/writer.ts';
import { readExactly } from '../formats/read-exactly.ts';
import type { ByteSource, CancelToken, ModelFiles } from '../api/platform.ts';
import { partNames, readParts } from '../models/gguf/gguf-parts.ts';
import { type InputTensor, type QuantizeInput, SLICE_VALUES } from './quantize-input.ts';

/** Keys about the file rather than the model: rewritten, or meaningless in the new file. */
const OWN_KEYS = /^(?:general\.(?:alignment|file_type|quantization_version)|split\..*)$/;

/**
 * A GGUF file or the parts of one. Its metadata is copied byte by byte.
 * @throws EngineError MODEL_NOT_FOUND, MODEL_FORMAT, UNSUPPORTED_TENSOR_TYPE, MODEL_IO
 */
export async function openGgufInput(files: ModelFiles): Promise<QuantizeInput> {
  const sources: ByteSource[] = [];
  const close = async () => {
    for (const source of sources) await source.close?.();
  };
  try {
    for (const name of partNames(files)) sources.push(await files.open(name));
    const { first, tensors } = await readParts(sources);
    return {
      metadata: await copyMetadata(first),
      tensors: [...tensors.values()].map(inputTensor),
      warnings: [],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function copyMetadata({ source, metadataRanges }: GgufFile): Promise<ReadonlyMap<string, TypedValue>> {
  const metadata = new Map<string, TypedValue>();
  for (const [key, { offset, bytes }] of metadataRanges) {
    if (OWN_KEYS.test(key)) continue;
    metadata.set(key, { type: 'raw', value: await readExactly(source, offset, bytes) });
  }
  return metadata;
}

function inputTensor(tensor: GgufTensor): InputTensor {
  const { name, shape, source, offset, elements } = tensor;
  const type = blockTypeOf(tensor);
  const columns = shape.at(-1) ?? 1;
  const rowsPerSlice = Math.max(1, Math.floor(SLICE_VALUES / columns));
  const sliceBlocks = (rowsPerSlice * columns) / type.blockSize;

  async function* copy(cancel?: CancelToken): AsyncGenerator<Uint8Array> {
    const blocks = elements / type.blockSize;
    for (let block = 0; block < blocks; block += sliceBlocks) {
      if (cancel?.cancelled) throw new EngineError('CANCELLED', 'Quantising was cancelled.');
      const count = Math.min(sliceBlocks, blocks - block);
      yield await readExactly(source, offset + block * type.blockBytes, count * type.blockBytes);
    }
  }
  async function* slices(cancel?: CancelToken): AsyncGenerator<Float32Array> {
    for await (const bytes of copy(cancel)) {
      const blocks = bytes.length / type.blockBytes;
      const values = new Float32Array(blocks * type.blockSize);
      type.dequantize(bytes, 0, values, 0, blocks);
      yield values;
    }
  }
  return { name, shape, storedAs: type, slices, copy };
}
