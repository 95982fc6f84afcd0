import { defaultContext } from '../api/defaults.ts';
import { EngineError } from '../api/errors.ts';
import { isHfFolder } from '../api/model-file-rules.ts';
import type { CancelToken, ModelFiles } from '../api/platform.ts';
import type { Program } from '../program/program.ts';
import type { WeightReader, WeightStore } from '../program/weights.ts';
import { elementCount } from '../tensor/shape.ts';
import type { LoadProgress } from '../api/types.ts';
import { openHfFolder } from './huggingface/open-folder.ts';
import { loadWeights } from './load-weights.ts';
import type { Model } from './model.ts';
import type { ModelSource } from './model-source.ts';
import { openGguf } from './gguf/open-gguf.ts';
import { fromSource, type OpenedModel } from './opened-model.ts';
import { readerOf } from './weight-source.ts';

export interface OpenModelOptions {
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly cancel?: CancelToken;
  /** Called with what had to be guessed or ignored. */
  readonly onWarning?: (message: string) => void;
  /**
   * Receives the weights as they are read, for an executor that stores them in its own form. By default they are stored
   * as float32. It must call `onBytes` with the bytes of each slice read.
   */
  readonly takeWeights?: (program: Program, weights: WeightReader, options: TakeOptions) => Promise<WeightStore>;
  /** Tokens of prompt and reply together. By default the training context, at most 4096. */
  readonly contextSize?: number;
}

export interface TakeOptions {
  readonly contextSize: number;
  readonly onBytes: (bytes: number) => void;
  /** Called when the weights are read and shaders are compiled, which may take long. Never throws. */
  readonly onCompile: () => void;
  readonly cancel: CancelToken | undefined;
}

/**
 * Loads a model: a GGUF file, the parts of one, or a folder with `config.json` and safetensors. All that can be checked
 * from the headers is checked before weights are read.
 *
 * @throws EngineError MODEL_NOT_FOUND for a missing file, MODEL_FORMAT for damaged ones, UNSUPPORTED_ARCHITECTURE,
 *   UNSUPPORTED_TENSOR_TYPE, UNSUPPORTED_TOKENIZER, BAD_REQUEST for a context size that the model does not support,
 *   MODEL_IO, OUT_OF_MEMORY, CANCELLED. Each names the file.
 */
export async function openModel(files: ModelFiles, options: OpenModelOptions = {}): Promise<Model> {
  const opened = await openHeaders(files, options);
  try {
    return await load(files.id, opened, options);
  } finally {
    await opened.close();
  }
}

/**
 * Opens a GGUF or Hugging Face model and reads its headers, but not its weights. The caller closes it.
 * @throws EngineError as `openModel`
 */
export function openSource(files: ModelFiles, options: OpenModelOptions = {}): Promise<ModelSource> {
  const { cancel, onWarning = () => {} } = options;
  return isHfFolder(files.names) ? openHfFolder(files, onWarning) : openGguf(files, { cancel, onWarning });
}

/**
 * As `openSource`, completed to what can be loaded.
 * @throws EngineError as `openModel`
 */
export async function openHeaders(files: ModelFiles, options: OpenModelOptions = {}): Promise<OpenedModel> {
  checkCancel(options);
  return fromSource(await openSource(files, options));
}

async function load(id: string, opened: OpenedModel, options: OpenModelOptions): Promise<Model> {
  const { totalBytes, tokenizer } = opened;
  let { bytesRead } = opened;
  const progress = (phase: LoadProgress['phase'], bytes: number) => {
    checkCancel(options);
    bytesRead += bytes;
    options.onProgress?.({ phase, bytesRead, totalBytes });
  };
  progress('header', 0);
  const contextSize = contextSizeOf(opened, options.contextSize);
  const program = opened.buildProgram(contextSize);
  progress('tokenizer', 0);
  const onBytes = (bytes: number) => progress('weights', bytes);
  for (const { name, shape } of program.weights) opened.weights.check(name, shape);
  const unused = opened.weights.unusedWarning?.(program.weights) ?? null;
  if (unused !== null) options.onWarning?.(unused);
  const weights = options.takeWeights
    ? await options.takeWeights(program, readerOf(opened.weights), {
        ...{ contextSize, onBytes, cancel: options.cancel },
        onCompile: () => options.onProgress?.({ phase: 'shaders', bytesRead, totalBytes }),
      })
    : await loadWeights(opened.weights, program.weights, onBytes, options.cancel);
  progress('ready', totalBytes - bytesRead);

  const parameters = program.weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const config = { id, ...opened.config, contextSize, parameters, fileBytes: totalBytes };
  const { templateTokens, withoutTemplate } = opened;
  return { id, name: config.name, config, program, weights, tokenizer, templateTokens, withoutTemplate };
}

function contextSizeOf({ config }: OpenedModel, asked: number | undefined): number {
  if (asked === undefined) return defaultContext(config.contextSize);
  if (Number.isSafeInteger(asked) && asked >= 1 && asked <= config.contextSize) return asked;
  throw new EngineError(
    'BAD_REQUEST',
    `The context size is ${asked}, but for ${config.name} it must be a whole number from 1 to ${config.contextSize}.`,
    { field: 'contextSize', value: asked, max: config.contextSize },
  );
}

function checkCancel({ cancel }: OpenModelOptions): void {
  if (cancel?.cancelled) throw new EngineError('CANCELLED', 'Loading was cancelled.');
}
