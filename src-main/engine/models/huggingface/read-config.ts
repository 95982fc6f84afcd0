import type { DescribedModel } from '../architectures/architecture.ts';
import { hfArchitecture } from '../architectures/index.ts';
import type { ConfigReader } from '../config-reader.ts';
import type { HfSource, HfTokens } from './read-decoder.ts';

/** The content of a config.json. */
export interface HfConfig extends DescribedModel, HfTokens {}

/**
 * Reads a Hugging Face `config.json`, with its type's defaults for absent keys.
 * @throws EngineError UNSUPPORTED_ARCHITECTURE for another `model_type`, MODEL_FORMAT with the wrong key
 */
export function readHfConfig(
  config: ConfigReader,
  files: Pick<HfSource, 'hasOutputMatrix' | 'generationConfig'>,
): HfConfig {
  const { architecture, type } = hfArchitecture(config);
  const source = { ...files, config, type };
  const hyperparameters = architecture.huggingFace.read(source);
  const tokens = architecture.huggingFace.readTokens(source, hyperparameters.vocabularySize);
  return { architecture, hyperparameters, ...tokens };
}
