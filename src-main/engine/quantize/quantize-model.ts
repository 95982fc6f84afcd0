import { EngineError } from '../api/errors.ts';
import { isHfFolder } from '../api/model-file-rules.ts';
import { layOutGguf, type TypedValue } from '../formats/gguf/writer.ts';
import type { ByteSink, CancelToken, ModelFiles } from '../api/platform.ts';
import { type BlockType, rowBytes } from '../quant/block-type.ts';
import { F16 } from '../quant/f16.ts';
import { elementCount } from '../tensor/shape.ts';
import { openGgufInput } from './gguf-input.ts';
import { openHfInput } from './hf-input.ts';
import type { InputTensor, QuantizeInput } from './quantize-input.ts';
import { storageType, type TargetType, targetType } from './storage-plan.ts';

export interface QuantizeProgress {
  /** Tensor being written, counted from 1. */
  readonly tensor: number;
  readonly tensors: number;
  readonly name: string;
  readonly bytesWritten: number;
  readonly totalBytes: number;
}

export interface QuantizeOptions {
  readonly onProgress?: (progress: QuantizeProgress) => void;
  /** Called with what the new file cannot express about the model. */
  readonly onWarning?: (message: string) => void;
  readonly cancel?: CancelToken;
}

/** Result of writing a model. */
export interface Quantized {
  readonly fileBytes: number;
  /** Tensors per type. */
  readonly types: Readonly<Record<string, number>>;
}

/**
 * Writes a model as one GGUF file with its matrices in another type (`storageType` lists the exceptions).
 *
 * @param files a GGUF file, the parts of one, or a Hugging Face folder
 * @param typeName F32, F16, Q8_0, Q6_K, Q4_K, Q4_1 or Q4_0
 * @param sink receives the file sequentially
 * @throws EngineError BAD_REQUEST for another type or values too large for F16, MODEL_FORMAT for values that are not
 *   finite, CANCELLED, and the errors of opening a model
 */
export async function quantizeModel(
  files: ModelFiles,
  typeName: string,
  sink: ByteSink,
  options: QuantizeOptions = {},
): Promise<Quantized> {
  const target = targetType(typeName);
  const input = await (isHfFolder(files.names) ? openHfInput(files) : openGgufInput(files));
  try {
    for (const warning of input.warnings) options.onWarning?.(warning);
    return await write(input, target, sink, options);
  } finally {
    await input.close();
  }
}

async function write(
  { metadata, tensors }: QuantizeInput,
  target: TargetType,
  sink: ByteSink,
  { onProgress, cancel }: QuantizeOptions,
): Promise<Quantized> {
  const logitsMatrix = tensors.some(({ name }) => name === 'output.weight') ? 'output.weight' : 'token_embd.weight';
  const stored = tensors.map(({ name, shape }) => storageType(name, shape, target.type, logitsMatrix));
  const plan = tensors.map(({ name, shape }, i) => ({
    name,
    shape,
    typeId: stored[i].id,
    bytes: rowBytes(stored[i], elementCount(shape)),
  }));
  const layout = layOutGguf(withType(metadata, target), plan);

  let at = 0;
  const put = async (bytes: Uint8Array) => {
    await sink.write(bytes);
    at += bytes.length;
  };
  await put(layout.header);
  for (const [i, tensor] of tensors.entries()) {
    if (layout.offsets[i] > at) await put(new Uint8Array(layout.offsets[i] - at));
    for await (const bytes of encoded(tensor, stored[i], cancel)) {
      if (cancel?.cancelled) throw new EngineError('CANCELLED', 'Quantising was cancelled.');
      await put(bytes);
      onProgress?.({
        tensor: i + 1,
        tensors: tensors.length,
        name: tensor.name,
        bytesWritten: at,
        totalBytes: layout.fileBytes,
      });
    }
  }
  if (at !== layout.fileBytes) {
    throw new EngineError('INTERNAL', `${at} bytes were written, but the header says ${layout.fileBytes}.`);
  }
  return { fileBytes: at, types: count(stored) };
}

function withType(metadata: ReadonlyMap<string, TypedValue>, { fileType }: TargetType): Map<string, TypedValue> {
  return new Map<string, TypedValue>([
    ...metadata,
    ['general.file_type', { type: 'uint32', value: fileType }],
    ['general.quantization_version', { type: 'uint32', value: 2 }],
  ]);
}

/** The tensor's blocks in slices. Blocks of the target type are copied, because quantising again would lose precision. */
async function* encoded(
  tensor: InputTensor,
  type: BlockType,
  cancel: CancelToken | undefined,
): AsyncGenerator<Uint8Array> {
  if (tensor.storedAs === type) {
    yield* tensor.copy(cancel);
    return;
  }
  if (!type.quantize) throw new EngineError('INTERNAL', `There is no quantizer for ${type.name}.`);
  let index = 0;
  for await (const values of tensor.slices(cancel)) {
    checkValues(values, type, tensor.name, index);
    index += values.length;
    const bytes = new Uint8Array(rowBytes(type, values.length));
    type.quantize(values, 0, bytes, 0, values.length / type.blockSize);
    yield bytes;
  }
}

/** Magnitudes from here on become infinite in F16. */
const F16_OVERFLOW = 65520;

/**
 * Quantizers assume finite values: others would become ordinary weights.
 * @param first index of the first value in its tensor
 */
function checkValues(values: Float32Array, type: BlockType, name: string, first: number): void {
  const limit = type === F16 ? F16_OVERFLOW : Infinity;
  for (let i = 0; i < values.length; i++) {
    // False for NaN too.
    if (Math.abs(values[i]) < limit) continue;
    const [value, index] = [values[i], first + i];
    const found = `${name} has the value ${value} at index ${index}`;
    const details = { tensor: name, index, value };
    if (!Number.isFinite(value)) {
      const message = `${found}. The model may be damaged; download or copy it again.`;
      throw new EngineError('MODEL_FORMAT', message, details);
    }
    throw new EngineError('BAD_REQUEST', `${found}, which is too large for F16 (at most 65504). Choose F32.`, details);
  }
}

function count(types: readonly BlockType[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name } of types) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
