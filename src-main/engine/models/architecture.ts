import type { Program } from '../program/program.ts';
import type { ConfigReader } from './config-reader.ts';
import type { ModelConfig } from './model.ts';

/** What an architecture knows from `config.json` alone. The rest follows from the files and the program. */
export type ArchitectureConfig = Omit<ModelConfig, 'id' | 'parameters' | 'fileBytes'>;

/** One architecture: the reader of its configuration and its forward pass. One file each, one row in the registry. */
export interface Architecture {
  /** As `config.json` spells it. */
  readonly name: string;
  /** @throws EngineError MODEL_FORMAT naming the key that is wrong. */
  describe(config: ConfigReader): { readonly config: ArchitectureConfig; readonly program: Program };
}
