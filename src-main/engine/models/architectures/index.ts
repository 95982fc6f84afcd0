import { EngineError } from '../../api/errors.ts';
import { shorten } from '../../formats/json/strict-json.ts';
import type { Program } from '../../program/program.ts';
import type { ConfigReader } from '../config-reader.ts';
import { Decoder } from '../decoder.ts';
import type { MetadataReader } from '../gguf/metadata-reader.ts';
import type { Architecture, DescribedModel, GgufArchitecture } from './architecture.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3 } from './gemma3.ts';
import { gpt2 } from './gpt2.ts';
import { granite } from './granite.ts';
import { llama } from './llama.ts';
import { olmo2 } from './olmo2.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { smollm3 } from './smollm3.ts';
import { tinyTransformer } from './tiny-transformer.ts';

/** All supported architectures: one file and one row each. */
const ARCHITECTURES: readonly Architecture[] = [
  llama,
  qwen2,
  qwen3,
  gemma2,
  gemma3,
  gpt2,
  phi3,
  smollm3,
  olmo2,
  granite,
  tinyTransformer,
];

/** Builds the forward pass of a model for a context of `contextSize` tokens. */
export function buildProgram({ architecture, hyperparameters }: DescribedModel, contextSize: number): Program {
  return architecture.program(new Decoder(hyperparameters, contextSize, architecture.ropePairing));
}

/** @throws EngineError UNSUPPORTED_ARCHITECTURE with the name, MODEL_FORMAT when the file names none */
export function ggufArchitecture(reader: MetadataReader): GgufArchitecture {
  const name = reader.text('general.architecture');
  const readable = ARCHITECTURES.filter((architecture) => architecture.gguf !== null) as GgufArchitecture[];
  const found = readable.find((architecture) => architecture.name === name);
  if (found) return found;
  const supported = readable.map((architecture) => architecture.name).join(', ');
  throw new EngineError(
    'UNSUPPORTED_ARCHITECTURE',
    `${reader.fileName}: the architecture ${shorten(name)} is not supported. Supported: ${supported}.`,
    { file: reader.fileName, architecture: shorten(name), supported },
  );
}

/** @throws EngineError UNSUPPORTED_ARCHITECTURE for an unknown or missing type in config.json */
export function hfArchitecture(config: ConfigReader): { architecture: Architecture; type: string } {
  for (const architecture of ARCHITECTURES) {
    const { typeKey, types } = architecture.huggingFace;
    const type = config.optionalText(typeKey);
    if (type !== undefined && types.includes(type)) return { architecture, type };
  }
  const type = config.optionalText('model_type');
  const named = ARCHITECTURES.filter(({ huggingFace }) => huggingFace.typeKey === 'model_type');
  const supported = named.flatMap(({ huggingFace }) => huggingFace.types).join(', ');
  const problem = type === undefined ? '"model_type" is missing' : `the model_type ${shorten(type)} is not supported`;
  throw new EngineError('UNSUPPORTED_ARCHITECTURE', `${config.fileName}: ${problem}. Supported: ${supported}.`, {
    file: config.fileName,
    architecture: type === undefined ? null : shorten(type),
    supported,
  });
}
