import { EngineError } from '../errors.ts';
import { SafetensorsFile } from '../formats/safetensors/safetensors-file.ts';
import type { ByteSource, CancelToken, ModelFiles } from '../platform.ts';
import { elementCount } from '../tensor/shape.ts';
import { tokenizerFromJson } from '../tokenizer/from-tokenizer-json.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { LoadProgress } from '../types.ts';
import type { Architecture, ArchitectureConfig } from './architecture.ts';
import { ConfigReader } from './config-reader.ts';
import { readJsonFile } from './json-file.ts';
import { loadWeights } from './load-weights.ts';
import type { Model } from './model.ts';
import { TINY_TRANSFORMER } from './tiny-transformer.ts';

/** Every architecture that can be loaded. A new one is a file beside this and a row here. */
const ARCHITECTURES: readonly Architecture[] = [TINY_TRANSFORMER];

const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const TOKENIZER = 'tokenizer.json';
const MAX_CONFIG_BYTES = 2 ** 20;
/** The largest known, of vocabularies of 262,144 pieces, have some 35 MB. */
const MAX_TOKENIZER_BYTES = 128 * 2 ** 20;

export interface OpenModelOptions {
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly cancel?: CancelToken;
}

/**
 * Loads a model folder: `config.json`, `model.safetensors` and `tokenizer.json`. Everything that the headers can tell
 * is checked before weights are read.
 *
 * @throws EngineError MODEL_NOT_FOUND for a missing file, MODEL_FORMAT for damaged ones, UNSUPPORTED_ARCHITECTURE,
 *   UNSUPPORTED_TENSOR_TYPE, UNSUPPORTED_TOKENIZER, MODEL_IO, OUT_OF_MEMORY, CANCELLED. Each names the file.
 */
export async function openModel(files: ModelFiles, options: OpenModelOptions = {}): Promise<Model> {
  const sources: ByteSource[] = [];
  try {
    for (const name of [CONFIG, WEIGHTS, TOKENIZER]) sources.push(await openFile(files, name));
    const [config, weights, tokenizer] = sources;
    return await load(files.id, { config, weights, tokenizer }, options);
  } finally {
    for (const source of sources) await source.close?.();
  }
}

interface ModelSources {
  readonly config: ByteSource;
  readonly weights: ByteSource;
  readonly tokenizer: ByteSource;
}

async function load(id: string, sources: ModelSources, options: OpenModelOptions): Promise<Model> {
  const totalBytes = sources.config.size + sources.weights.size + sources.tokenizer.size;
  let bytesRead = 0;
  const progress = (phase: LoadProgress['phase'], bytes: number) => {
    if (options.cancel?.cancelled) throw new EngineError('CANCELLED', 'Loading was cancelled.');
    bytesRead += bytes;
    options.onProgress?.({ phase, bytesRead, totalBytes });
  };

  progress('header', 0);
  const reader = new ConfigReader(await readJsonFile(sources.config, MAX_CONFIG_BYTES), sources.config.name);
  const { config, program } = findArchitecture(reader).describe(reader);
  const file = await SafetensorsFile.open(sources.weights);
  for (const { name, shape } of program.weights) file.check(name, shape);
  progress('header', sources.config.size);

  const tokenizerJson = await readJsonFile(sources.tokenizer, MAX_TOKENIZER_BYTES);
  progress('tokenizer', 0);
  const tokenizer = tokenizerFromJson(tokenizerJson, sources.tokenizer.name);
  checkTokenizer(tokenizer, config, sources.tokenizer.name);
  progress('tokenizer', sources.tokenizer.size);

  const weights = await loadWeights(file, program.weights, (bytes) => progress('weights', bytes), options.cancel);
  progress('ready', totalBytes - bytesRead);

  const parameters = program.weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return {
    id,
    name: config.name,
    config: { id, ...config, parameters, fileBytes: totalBytes },
    program,
    weights,
    tokenizer,
  };
}

async function openFile(files: ModelFiles, name: string): Promise<ByteSource> {
  if (!files.names.includes(name)) {
    const found = files.names.length > 0 ? files.names.join(', ') : 'no files';
    throw new EngineError(
      'MODEL_NOT_FOUND',
      `The model ${files.id} has no ${name}. A model folder needs ${CONFIG}, ${WEIGHTS} and ${TOKENIZER}; this has: ${found}.`,
      { model: files.id, file: name },
    );
  }
  return files.open(name);
}

function findArchitecture(config: ConfigReader): Architecture {
  // Hugging Face's own configurations name it in model_type; the built-in model says "architecture".
  const name = config.optionalText('architecture') ?? config.optionalText('model_type');
  const found = ARCHITECTURES.find((architecture) => architecture.name === name);
  if (found) return found;
  const supported = ARCHITECTURES.map((architecture) => architecture.name).join(', ');
  const problem = name === undefined ? 'no "architecture" is named' : `the architecture ${name} is not supported`;
  throw new EngineError('UNSUPPORTED_ARCHITECTURE', `${config.fileName}: ${problem}. Supported: ${supported}.`, {
    file: config.fileName,
    architecture: name ?? null,
    supported,
  });
}

/** Ids that the tokenizer gives must be rows of the model's tables, and BOS the same token for both. */
function checkTokenizer(tokenizer: Tokenizer, config: ArchitectureConfig, fileName: string): void {
  if (tokenizer.vocabularySize !== config.vocabularySize) {
    throw new EngineError(
      'MODEL_FORMAT',
      `${fileName}: the vocabulary has ${tokenizer.vocabularySize} tokens, but the model has ${config.vocabularySize}.`,
      { file: fileName, found: tokenizer.vocabularySize, expected: config.vocabularySize },
    );
  }
  if (tokenizer.bosTokenId !== null && tokenizer.bosTokenId !== config.bosTokenId) {
    throw new EngineError(
      'MODEL_FORMAT',
      `${fileName}: text begins with token ${tokenizer.bosTokenId}, but the model's bos_token_id is ${String(config.bosTokenId)}.`,
      { file: fileName, found: tokenizer.bosTokenId, expected: config.bosTokenId },
    );
  }
}
