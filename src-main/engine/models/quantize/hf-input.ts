import type { CancelToken, ModelFiles } from '../../platform.ts';
import { elementCount } from '../../tensor/shape.ts';
import { EngineError } from '../../errors.ts';
import { buildProgram } from '../architectures/index.ts';
import { readChatTemplate } from '../chat-template.ts';
import { scaledWidth } from '../from-gguf.ts';
import { openHfFolder } from '../hf-folder.ts';
import type { Hyperparameters } from '../hyperparameters.ts';
import type { WeightSource } from '../weight-source.ts';
import { describeForGguf } from './hf-metadata.ts';
import { type InputTensor, type QuantizeInput, SLICE_VALUES } from './quantize-input.ts';
import { describeTokenizer } from './tokenizer-metadata.ts';

/**
 * A Hugging Face folder in GGUF's terms.
 * @throws EngineError as `openHfFolder`, and UNSUPPORTED_* for what GGUF cannot describe
 */
export async function openHfInput(files: ModelFiles): Promise<QuantizeInput> {
  const chatTemplate = await readChatTemplate(files);
  const folder = await openHfFolder(files);
  try {
    const { hyperparameters: hyper } = folder;
    // llama.cpp looks for tokens of the usual vocabulary in models of some names, which a made-up one does not have.
    const description = describeForGguf(hyper, folder.tokenizerJson === null ? null : folder.name);
    const tokenizer = describeTokenizer(folder, chatTemplate);
    const scales = queryScales(hyper);
    const weights = buildProgram(hyper, 1).weights.map(({ name, shape }) =>
      inputTensor(folder.weights, name, shape, scales(name)),
    );
    const vectors = [...description.vectors].map(([name, values]) => vectorTensor(name, values));
    return {
      metadata: new Map([...description.metadata, ...tokenizer.metadata]),
      tensors: [...vectors, ...weights],
      warnings: [...description.warnings, ...tokenizer.warnings],
      close: () => folder.close(),
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** Factor on the first `rows` rows of a tensor. */
interface RowScale {
  readonly rows: number;
  readonly factor: number;
}

/**
 * GGUF has no key for the factor on the attention scores, which follows from the head's width. Where a model has
 * another one (Gemma's `query_pre_attn_scalar`), the difference goes into what makes the queries.
 */
function queryScales(hyper: Hyperparameters): (name: string) => RowScale | null {
  const { architecture, blockCount, embeddingLength, headCount, keyLength, attentionScale } = hyper;
  const factor =
    attentionScale * Math.sqrt(scaledWidth(architecture, blockCount, embeddingLength, headCount, keyLength));
  if (Math.abs(factor - 1) < 1e-9) return () => null;
  const hasQueryNorm = architecture === 'qwen3' || architecture === 'gemma3' || architecture === 'olmo2';
  const isFused = architecture === 'gpt2' || architecture === 'phi3';
  const pattern = hasQueryNorm ? /\.attn_q_norm\.weight$/ : isFused ? /\.attn_qkv\./ : /\.attn_q\./;
  const rows = hasQueryNorm ? Infinity : headCount * keyLength;
  return (name) => (pattern.test(name) ? { rows, factor } : null);
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
    // Whole, because some layouts can only be changed so.
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
