import { EngineError } from '../errors.ts';
import { SafetensorsFile } from '../formats/safetensors/safetensors-file.ts';
import type { ByteSource, ModelFiles } from '../platform.ts';
import { tokenizerFromJson } from '../tokenizer/from-tokenizer-json.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ArchitectureConfig } from './architecture.ts';
import { ConfigReader } from './config-reader.ts';
import { readJsonFile, readTokenizerJson } from './json-file.ts';
import type { OpenedModel } from './opened-model.ts';
import { TINY_TRANSFORMER } from './tiny-transformer.ts';

export const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const TOKENIZER = 'tokenizer.json';
const MAX_CONFIG_BYTES = 2 ** 20;
/** Far more than 8000 pieces take. */
const MAX_TOKENIZER_BYTES = 16 * 2 ** 20;

/**
 * Opens a TinyTransformer folder: `config.json`, `model.safetensors` and `tokenizer.json`.
 * @throws EngineError MODEL_NOT_FOUND, MODEL_FORMAT, UNSUPPORTED_TOKENIZER, MODEL_IO; each names the file
 */
export async function openTinyTransformer(files: ModelFiles): Promise<OpenedModel> {
  const sources: ByteSource[] = [];
  const close = async () => {
    for (const source of sources) await source.close?.();
  };
  try {
    for (const name of [CONFIG, WEIGHTS, TOKENIZER]) sources.push(await openFile(files, name));
    const [configFile, weightsFile, tokenizerFile] = sources;
    const reader = new ConfigReader(await readJsonFile(configFile, MAX_CONFIG_BYTES), configFile.name);
    const { config, program } = TINY_TRANSFORMER.describe(reader);
    const weights = await SafetensorsFile.open(weightsFile);
    for (const { name, shape } of program.weights) weights.check(name, shape);
    const tokenizer = tokenizerFromJson(
      await readTokenizerJson(tokenizerFile, MAX_TOKENIZER_BYTES),
      tokenizerFile.name,
    );
    checkTokenizer(tokenizer, config, tokenizerFile.name);
    return {
      config,
      buildProgram: () => program,
      tokenizer,
      weights,
      templateTokens: { bos: '', eos: '' },
      withoutTemplate: 'running_text',
      totalBytes: sources.reduce((sum, { size }) => sum + size, 0),
      bytesRead: configFile.size + tokenizerFile.size,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whether the folder says that it is a TinyTransformer, by the key that only its configuration has. */
export async function isTinyTransformer(files: ModelFiles): Promise<boolean> {
  const source = await openFile(files, CONFIG);
  try {
    const reader = new ConfigReader(await readJsonFile(source, MAX_CONFIG_BYTES), source.name);
    return reader.optionalText('architecture') === TINY_TRANSFORMER.name;
  } finally {
    await source.close?.();
  }
}

async function openFile(files: ModelFiles, name: string): Promise<ByteSource> {
  if (!files.names.includes(name)) {
    const found = files.names.length > 0 ? files.names.join(', ') : 'no files';
    throw new EngineError(
      'MODEL_NOT_FOUND',
      `The model ${files.id} has no ${name}. A model is a GGUF file, or a folder with ${CONFIG}, ${WEIGHTS} and ${TOKENIZER}; this one has: ${found}.`,
      { model: files.id, file: name },
    );
  }
  return files.open(name);
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
      `${fileName}: text starts with token ${tokenizer.bosTokenId}, but the model's bos_token_id is ${String(config.bosTokenId)}.`,
      { file: fileName, found: tokenizer.bosTokenId, expected: config.bosTokenId },
    );
  }
}
