import { EngineError } from '../../api/errors.ts';
import { quote } from '../../formats/json/strict-json.ts';
import { ggufTitle } from '../../api/model-file-rules.ts';
import type { ByteSource, CancelToken, ModelFiles } from '../../api/platform.ts';
import { IdsOnlyTokenizer } from '../../tokenizer/ids-only-tokenizer.ts';
import type { GgufTokenizerFacts } from '../../tokenizer/gguf/from-gguf.ts';
import { ggufArchitecture } from '../architectures/index.ts';
import type { GgufTensorFacts } from './read-decoder.ts';
import { type GgufParts, partNames, readParts } from './gguf-parts.ts';
import { GgufWeights } from './gguf-weights.ts';
import { MetadataReader } from './metadata-reader.ts';
import { readTokenizer } from './read-tokenizer.ts';
import type { ModelSource, ChatTraits } from '../model-source.ts';
import { samplingDefaultsFromGguf } from '../sampling-defaults.ts';

export interface OpenGgufOptions {
  /** Called with what had to be guessed or ignored. */
  readonly onWarning: (message: string) => void;
  readonly cancel?: CancelToken | undefined;
}

/**
 * Reads the headers of a GGUF model in one file or split into parts.
 * @throws EngineError MODEL_NOT_FOUND, MODEL_FORMAT, UNSUPPORTED_ARCHITECTURE, UNSUPPORTED_TOKENIZER, MODEL_IO, CANCELLED
 */
export async function openGguf(files: ModelFiles, options: OpenGgufOptions): Promise<ModelSource> {
  const sources: ByteSource[] = [];
  const close = async () => {
    for (const source of sources) await source.close?.();
  };
  try {
    for (const name of partNames(files)) sources.push(await files.open(name));
    return { ...(await readHeaders(await readParts(sources), options)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readHeaders(parts: GgufParts, options: OpenGgufOptions): Promise<Omit<ModelSource, 'close'>> {
  const { source, metadata } = parts.first;
  const reader = new MetadataReader(metadata, source.name);
  // First, so that an error names the unknown architecture instead of what the file lacks for another.
  const architecture = ggufArchitecture(reader);

  const vocabulary = readTokenizer(reader, options.onWarning);
  const { tokenizer, bosTokenId, endIds } = vocabulary;
  const { facts, bytesRead } = await tensorFacts(parts, options.cancel);
  const header = {
    reader,
    architecture: architecture.name,
    key: (name: string) => `${architecture.name}.${name}`,
    vocabularySize: tokenizer.vocabularySize,
    tensors: facts,
  };
  return {
    name: reader.optionalText('general.name') ?? ggufTitle(source.name),
    architecture,
    hyperparameters: architecture.gguf.read(header),
    tokenizer,
    bosTokenId,
    eosTokenIds: endIds,
    maskedTokenIds: [],
    chat: chatTraits(reader, vocabulary, options.onWarning),
    weights: new GgufWeights(parts.tensors, source.name),
    totalBytes: parts.totalBytes,
    bytesRead: parts.headerBytes + bytesRead,
  };
}

function chatTraits(
  reader: MetadataReader,
  { tokenizer, bosTokenId, eosTokenId }: GgufTokenizerFacts,
  onWarning: (message: string) => void,
): ChatTraits {
  const text = (id: number | null) => (id === null || tokenizer instanceof IdsOnlyTokenizer ? '' : tokenizer.piece(id));
  return {
    template: reader.optionalText('tokenizer.chat_template'),
    bosToken: text(bosTokenId),
    eosToken: text(eosTokenId),
    samplingDefaults: samplingDefaultsFromGguf(reader, onWarning),
  };
}

/** More pairs than any head has. */
const MAX_ROPE_VALUES = 65_536;

/** Reads the tensors that determine rotary embedding. They are part of the program, not weights. */
async function tensorFacts(
  { first, tensors }: GgufParts,
  cancel: CancelToken | undefined,
): Promise<{ facts: GgufTensorFacts; bytesRead: number }> {
  const weights = new GgufWeights(tensors, first.source.name);
  let bytesRead = 0;
  const read = async (name: string): Promise<number[] | null> => {
    const tensor = tensors.get(name);
    if (!tensor) return null;
    if (tensor.elements > MAX_ROPE_VALUES) {
      throw new EngineError(
        'MODEL_FORMAT',
        `${tensor.source.name}: tensor ${quote(name)} has ${tensor.elements} values, more than any attention head can have.`,
        { file: tensor.source.name, tensor: name, elements: tensor.elements },
      );
    }
    const onBytes = (bytes: number) => (bytesRead += bytes);
    return Array.from((await weights.readTensor(name, { shape: tensor.shape, onBytes, cancel })).data);
  };
  const facts = {
    has: (name: string) => tensors.has(name),
    ropeFreqs: await read('rope_freqs.weight'),
    ropeFactorsShort: await read('rope_factors_short.weight'),
    ropeFactorsLong: await read('rope_factors_long.weight'),
  };
  return { facts, bytesRead };
}
