import type { CancelToken, ModelFiles } from '../api/platform.ts';
import { elementCount } from '../tensor/shape.ts';
import { EngineError } from '../api/errors.ts';
import type { DescribedModel } from '../models/architectures/architecture.ts';
import { buildProgram } from '../models/architectures/index.ts';
import { readChatTemplate } from '../models/chat-template.ts';
import { GgufKeys } from '../models/gguf/write-decoder.ts';
import { openHfFolder } from '../models/huggingface/open-folder.ts';
import type { WeightSource } from '../models/weight-source.ts';
import type { TypedValue } from '../formats/gguf/writer.ts';
import { type InputTensor, type QuantizeInput, SLICE_VALUES } from './quantize-input.ts';
import { describeTokenizer } from './tokenizer-metadata.ts';

/**
 * A Hugging Face folder in GGUF's terms.
 * @throws EngineError as `openHfFolder`, and UNSUPPORTED_* for what GGUF cannot express
 */
export async function openHfInput(files: ModelFiles): Promise<QuantizeInput> {
  const chatTemplate = await readChatTemplate(files);
  const folder = await openHfFolder(files);
  try {
    // For some model names llama.cpp expects tokens that a made-up vocabulary lacks.
    const { general, keys, attentionScale } = describeForGguf(
      folder,
      folder.tokenizerJson === null ? null : folder.name,
    );
    const tokenizer = describeTokenizer(folder, chatTemplate);
    const declared = buildProgram(folder, 1).weights;
    const scales = queryScales(folder, attentionScale, new Set(declared.map(({ name }) => name)));
    const weights = declared.map(({ name, shape }) => inputTensor(folder.weights, name, shape, scales(name)));
    const vectors = [...keys.vectors].map(([name, values]) => vectorTensor(name, values));
    return {
      metadata: new Map([...general, ...keys.metadata, ...tokenizer.metadata]),
      tensors: [...vectors, ...weights],
      warnings: [...keys.warnings, ...tokenizer.warnings],
      close: () => folder.close(),
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/**
 * @param name for `general.name`; null omits it
 * @throws EngineError UNSUPPORTED_ARCHITECTURE for a model that GGUF cannot express
 */
function describeForGguf({ architecture, hyperparameters }: DescribedModel, name: string | null) {
  if (!architecture.gguf) {
    throw new EngineError(
      'UNSUPPORTED_ARCHITECTURE',
      `GGUF has no architecture for a ${architecture.name}. You can run it as it is, but not convert it.`,
      { architecture: architecture.name },
    );
  }
  const keys = new GgufKeys(architecture.name);
  architecture.gguf.write(hyperparameters, keys);
  const texts = { 'general.architecture': architecture.name, 'general.type': 'model', 'general.name': name };
  const general = new Map<string, TypedValue>();
  for (const [key, value] of Object.entries(texts)) if (value !== null) general.set(key, { type: 'string', value });
  return { general, keys, attentionScale: architecture.gguf.attentionScale(hyperparameters) };
}

/** Factor on the first `rows` rows of a tensor. */
interface RowScale {
  readonly rows: number;
  readonly factor: number;
}

/**
 * Most GGUF architectures have no key for the factor on the attention scores. Where a model's factor differs from the one
 * that the file implies (Gemma's `query_pre_attn_scalar`), the ratio is folded into the query weights.
 * @param attentionScale that readers of the new file will use
 * @param names of the program's weights
 */
function queryScales(
  { hyperparameters: hyper }: DescribedModel,
  attentionScale: number,
  names: ReadonlySet<string>,
): (name: string) => RowScale | null {
  const factor = hyper.attentionScale / attentionScale;
  if (Math.abs(factor - 1) < 1e-9) return () => null;
  // Where queries are normalised, only the norm's gain changes their magnitude.
  const part = ['attn_q_norm', 'attn_qkv', 'attn_q'].find((candidate) => names.has(`blk.0.${candidate}.weight`));
  const rows = part === 'attn_q_norm' ? Infinity : hyper.headCount * hyper.keyLength;
  return (name) => (/^blk\.\d+\.(\w+)\./.exec(name)?.[1] === part ? { rows, factor } : null);
}

function inputTensor(
  source: WeightSource,
  name: string,
  shape: readonly number[],
  scale: RowScale | null,
): InputTensor {
  source.check(name, shape);
  const width = elementCount(shape.slice(1));
  async function* slices(cancel?: CancelToken): AsyncGenerator<Float32Array> {
    // Read whole, because some layouts can only be converted so.
    const { data } = await source.readTensor(name, { shape, cancel });
    const scaled = scale === null ? 0 : Math.min(data.length, scale.rows * width);
    for (let i = 0; i < scaled; i++) data[i] *= scale!.factor;
    const step = Math.max(1, Math.floor(SLICE_VALUES / width)) * width;
    for (let at = 0; at < data.length; at += step) yield data.subarray(at, at + step);
  }
  return { name, shape, storedAs: null, slices, copy: noBlocks };
}

function vectorTensor(name: string, values: readonly number[]): InputTensor {
  async function* slices(): AsyncGenerator<Float32Array> {
    yield await Promise.resolve(Float32Array.from(values));
  }
  return { name, shape: [values.length], storedAs: null, slices, copy: noBlocks };
}

function noBlocks(): never {
  throw new EngineError('INTERNAL', 'Tensors in a Hugging Face folder have no block type.');
}
