import { EngineError } from '../../api/errors.ts';
import { SafetensorsFolder } from '../../formats/safetensors/safetensors-folder.ts';
import { CONFIG_FILE } from '../../api/model-file-rules.ts';
import type { ModelFiles } from '../../api/platform.ts';
import { tokenizerFromJson } from '../../tokenizer/from-tokenizer-json.ts';
import { IdsOnlyTokenizer } from '../../tokenizer/ids-only-tokenizer.ts';
import type { TextEnds } from '../../tokenizer/post-processor/template-processing.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { buildProgram } from '../architectures/index.ts';
import { readChatFiles } from '../chat-template.ts';
import { ConfigReader } from '../config-reader.ts';
import { type HfConfig, readHfConfig } from './read-config.ts';
import { HF_OUTPUT_MATRIX } from './tensor-names.ts';
import { HfWeights } from './weights.ts';
import { readJsonFile, readTokenizerJson } from '../json-file.ts';
import type { ModelSource } from '../model-source.ts';
import { samplingDefaultsFromHf } from '../sampling-defaults.ts';

export const TOKENIZER_FILE = 'tokenizer.json';
const GENERATION_CONFIG_FILE = 'generation_config.json';
const MAX_CONFIG_BYTES = 2 ** 20;
/** The largest known ones, with vocabularies of 262,144 pieces, have about 35 MB. */
export const MAX_TOKENIZER_BYTES = 128 * 2 ** 20;

/** An opened Hugging Face folder. Headers and tokenizer are read, weights are not. */
export interface HfFolder extends ModelSource {
  readonly weights: HfWeights;
  /** Output of parseTokenizerJson; null when the folder has none, so that only ids can be used. */
  readonly tokenizerJson: unknown;
  /** Tokens around a text, in place of those of `tokenizerJson`. */
  readonly textEnds: TextEnds;
  close(): Promise<void>;
}

/**
 * Opens a Hugging Face folder: `config.json`, `*.safetensors`, and if present `generation_config.json` and
 * `tokenizer.json`.
 * @param onWarning called for values that cannot be used
 * @throws EngineError MODEL_NOT_FOUND, MODEL_FORMAT, UNSUPPORTED_ARCHITECTURE, UNSUPPORTED_TOKENIZER, MODEL_IO
 */
export async function openHfFolder(
  files: ModelFiles,
  onWarning: (message: string) => void = () => {},
): Promise<HfFolder> {
  const config = await readConfig(files, CONFIG_FILE);
  if (!config) throw missing(files, CONFIG_FILE);
  const generationConfig = await readConfig(files, GENERATION_CONFIG_FILE);
  const folder = await SafetensorsFolder.open(files);
  try {
    const hasOutputMatrix = folder.tensors.has(HF_OUTPUT_MATRIX);
    const described = readHfConfig(config.reader, {
      hasOutputMatrix,
      generationConfig: generationConfig?.reader ?? null,
    });
    const { architecture, hyperparameters, eosTokenIds, maskedTokenIds } = described;
    const weights = new HfWeights(folder, described);
    const declared = buildProgram(described, 1).weights;
    weights.checkAllUsed(declared);
    // Nothing as long as the vocabulary is allocated before the file has proved to hold one.
    const tokenTable = declared[0];
    weights.check(tokenTable.name, tokenTable.shape);
    const tokenizerFile = await readFile(files, TOKENIZER_FILE, MAX_TOKENIZER_BYTES, readTokenizerJson);
    const chat = await readChatFiles(files);
    const { strictTokenizer } = architecture.huggingFace;
    if (strictTokenizer && !tokenizerFile) throw missing(files, TOKENIZER_FILE);
    const tokenizer = tokenizerOf(tokenizerFile?.json, described, chat.textEnds);
    const headers = [config, generationConfig, tokenizerFile].reduce((sum, file) => sum + (file?.bytes ?? 0), 0);
    return {
      name: architecture.usage.modelName ?? files.name ?? files.id,
      architecture,
      hyperparameters,
      tokenizer,
      tokenizerJson: tokenizerFile?.json ?? null,
      textEnds: chat.textEnds,
      bosTokenId: tokenizerFile && !strictTokenizer ? tokenizer.bosTokenId : described.bosTokenId,
      eosTokenIds,
      maskedTokenIds,
      chat: {
        template: chat.template,
        bosToken: chat.bosToken ?? tokenText(tokenizer, tokenizer.bosTokenId),
        eosToken: chat.eosToken ?? tokenText(tokenizer, eosTokenIds[0] ?? null),
        samplingDefaults: samplingDefaultsFromHf(generationConfig?.reader ?? null, onWarning),
      },
      weights,
      totalBytes: headers + folder.totalBytes,
      bytesRead: headers + folder.totalBytes - folder.dataBytes,
      close: () => folder.close(),
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

function missing(files: ModelFiles, name: string): EngineError {
  const found = files.names.length > 0 ? files.names.join(', ') : 'no files';
  return new EngineError(
    'MODEL_NOT_FOUND',
    `The model ${files.id} has no ${name}. A model is a GGUF file, or a folder with ${CONFIG_FILE}, model.safetensors and ${TOKENIZER_FILE}; this one has: ${found}.`,
    { model: files.id, file: name },
  );
}

function tokenizerOf(
  json: unknown,
  { architecture, hyperparameters, bosTokenId }: HfConfig,
  textEnds: TextEnds,
): Tokenizer {
  const { vocabularySize } = hyperparameters;
  const { strictTokenizer } = architecture.huggingFace;
  if (json === undefined) return new IdsOnlyTokenizer(vocabularySize, TOKENIZER_FILE);
  // Gemma's text models share the tokenizer of those that also read images, with a token that only these have.
  const tableRows = strictTokenizer ? Infinity : vocabularySize;
  const tokenizer = tokenizerFromJson(json, TOKENIZER_FILE, tableRows, textEnds);
  // Fewer are common: the token table is padded to a round number.
  const fits = strictTokenizer
    ? tokenizer.vocabularySize === vocabularySize
    : tokenizer.vocabularySize <= vocabularySize;
  if (!fits) {
    const limit = strictTokenizer ? vocabularySize : `only ${vocabularySize}`;
    throw new EngineError(
      'MODEL_FORMAT',
      `${TOKENIZER_FILE}: the vocabulary has ${tokenizer.vocabularySize} tokens, but the model has ${limit}.`,
      { file: TOKENIZER_FILE, found: tokenizer.vocabularySize, expected: vocabularySize },
    );
  }
  if (strictTokenizer && tokenizer.bosTokenId !== null && tokenizer.bosTokenId !== bosTokenId) {
    throw new EngineError(
      'MODEL_FORMAT',
      `${TOKENIZER_FILE}: text starts with token ${tokenizer.bosTokenId}, but the model's bos_token_id is ${String(bosTokenId)}.`,
      { file: TOKENIZER_FILE, found: tokenizer.bosTokenId, expected: bosTokenId },
    );
  }
  return tokenizer;
}

function tokenText(tokenizer: Tokenizer, id: number | null): string {
  return id === null || tokenizer instanceof IdsOnlyTokenizer ? '' : tokenizer.piece(id);
}

async function readConfig(files: ModelFiles, name: string): Promise<{ reader: ConfigReader; bytes: number } | null> {
  const file = await readFile(files, name, MAX_CONFIG_BYTES);
  return file && { reader: new ConfigReader(file.json, name), bytes: file.bytes };
}

/** Parsed content and size of a JSON file; null when the folder has none. */
async function readFile(
  files: ModelFiles,
  name: string,
  maxBytes: number,
  read = readJsonFile,
): Promise<{ json: unknown; bytes: number } | null> {
  if (!files.names.includes(name)) return null;
  const source = await files.open(name);
  try {
    return { json: await read(source, maxBytes), bytes: source.size };
  } finally {
    await source.close?.();
  }
}
