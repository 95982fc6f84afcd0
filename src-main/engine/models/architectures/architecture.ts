import type { RopeAttributes } from '../../program/ops.ts';
import type { Program } from '../../program/program.ts';
import type { Decoder } from '../decoder.ts';
import type { GgufHeader } from '../gguf/read-decoder.ts';
import type { GgufKeys } from '../gguf/write-decoder.ts';
import type { HfSource, HfTokens } from '../huggingface/read-decoder.ts';
import type { HfTensors } from '../huggingface/tensor-names.ts';
import type { Hyperparameters } from '../hyperparameters.ts';
import type { Model } from '../model.ts';

/**
 * Everything specific to one architecture: the names in its files and its forward pass. No field has a default, so that
 * nothing silently falls back to another architecture.
 *
 * Members that take an H are methods, so that one table can hold architectures with different hyperparameters. A method
 * only receives what the same architecture's `read` returned.
 */
export interface Architecture<H extends Hyperparameters = Hyperparameters> {
  /** GGUF's `general.architecture`, or our own name if GGUF has none. */
  readonly name: string;
  /**
   * Which two dimensions of a head form a pair in rotary embedding, given GGUF's order of the rows of q and k. Hugging
   * Face folders always have halves; if GGUF interleaves them, rows are reordered when they are read. Null for no rotary
   * embedding.
   */
  readonly ropePairing: RopeAttributes['pairing'] | null;
  /** Null if GGUF has no such architecture. */
  readonly gguf: GgufFormat<H> | null;
  readonly huggingFace: HuggingFaceFormat<H>;
  readonly usage: Usage;
  /** Builds the forward pass. Weights have GGUF's names and layouts, even if GGUF lacks the architecture. */
  program(model: Decoder<H>): Program;
}

/** How GGUF files describe a model. */
export interface GgufFormat<H extends Hyperparameters> {
  /** @throws EngineError MODEL_FORMAT with the wrong key, UNSUPPORTED_ARCHITECTURE for unsupported variants */
  read(header: GgufHeader): H;
  /**
   * Writes the keys that `read` reads, for a model from a Hugging Face folder.
   * @throws EngineError UNSUPPORTED_ARCHITECTURE for what GGUF has no key for
   */
  write(hyper: H, keys: GgufKeys): void;
  /**
   * The factor on the attention scores that `read` returns for a file written by `write`. Conversion scales the queries
   * by the ratio to the model's own factor.
   */
  attentionScale(hyper: H): number;
}

/** How Hugging Face folders describe a model. */
export interface HuggingFaceFormat<H extends Hyperparameters> {
  /** The key of config.json that names the architecture. */
  readonly typeKey: 'model_type' | 'architecture';
  /** Its values for this architecture. */
  readonly types: readonly string[];
  /** @throws EngineError MODEL_FORMAT with the wrong key */
  read(source: HfSource): H;
  /** Reads the special tokens. @throws EngineError MODEL_FORMAT */
  readonly readTokens: (source: HfSource, vocabularySize: number) => HfTokens;
  readonly tensors: HfTensors;
  /**
   * Whether the folder must have a tokenizer.json with one token per row of the token table and the configuration's BOS
   * token. Otherwise it may have none, or fewer tokens.
   */
  readonly strictTokenizer: boolean;
}

/** How a model is used, as far as its files do not say. */
export interface Usage {
  /** The name of every such model; null if the file or folder gives one. */
  readonly modelName: string | null;
  readonly withoutTemplate: Model['withoutTemplate'];
  /** In tokens; 0 is off. */
  readonly defaultRepetitionWindow: number;
}

/** Usage of ordinary models. */
export const PLAIN_USAGE: Usage = { modelName: null, withoutTemplate: 'plain', defaultRepetitionWindow: 0 };

/** A model's architecture and the hyperparameters that it read. */
export interface DescribedModel {
  readonly architecture: Architecture;
  readonly hyperparameters: Hyperparameters;
}

export type GgufArchitecture = Architecture & { readonly gguf: GgufFormat<Hyperparameters> };
