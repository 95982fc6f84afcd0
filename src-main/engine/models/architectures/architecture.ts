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
 * Everything that is particular to one architecture: what its files call things and what it computes. No field has a
 * default, so that nothing falls back to another architecture's way.
 *
 * What takes an H is a method: the table can then hold architectures with hyperparameters of their own. A method is
 * only given what the same architecture's `read` returned.
 */
export interface Architecture<H extends Hyperparameters = Hyperparameters> {
  /** GGUF's `general.architecture`; a name of our own where GGUF has none. */
  readonly name: string;
  /**
   * Which two dimensions of a head rotary embedding turns together, given GGUF's order of the rows of q and k. Hugging
   * Face folders always have halves; where GGUF interleaves them, rows are reordered as they are read. Null: no
   * rotary embedding.
   */
  readonly ropePairing: RopeAttributes['pairing'] | null;
  /** Null: GGUF has no such architecture. */
  readonly gguf: GgufFormat<H> | null;
  readonly huggingFace: HuggingFaceFormat<H>;
  readonly usage: Usage;
  /** The forward pass. Weights have GGUF's names and layouts, also where GGUF lacks the architecture. */
  program(model: Decoder<H>): Program;
}

/** How GGUF files describe a model. */
export interface GgufFormat<H extends Hyperparameters> {
  /**
   * @throws EngineError MODEL_FORMAT naming the key that is wrong, UNSUPPORTED_ARCHITECTURE for variants that are not
   *   built
   */
  read(header: GgufHeader): H;
  /**
   * Writes the keys that `read` reads, for a model that comes from a Hugging Face folder.
   * @throws EngineError UNSUPPORTED_ARCHITECTURE for what GGUF has no key for
   */
  write(hyper: H, keys: GgufKeys): void;
  /**
   * Factor on the attention scores that `read` gives for a file written by `write`. Conversion multiplies the queries
   * by what is missing.
   */
  attentionScale(hyper: H): number;
}

/** How Hugging Face folders describe a model. */
export interface HuggingFaceFormat<H extends Hyperparameters> {
  /** Key of config.json that names the architecture. */
  readonly typeKey: 'model_type' | 'architecture';
  /** Its values that mean this architecture. */
  readonly types: readonly string[];
  /** @throws EngineError MODEL_FORMAT naming the key that is wrong */
  read(source: HfSource): H;
  /** Tokens with a role in generation. @throws EngineError MODEL_FORMAT */
  readonly readTokens: (source: HfSource, vocabularySize: number) => HfTokens;
  readonly tensors: HfTensors;
  /**
   * The folder must have a tokenizer.json with one token per row of the token table and the configuration's BOS token.
   * False: it may have none, or fewer tokens.
   */
  readonly strictTokenizer: boolean;
}

/** How a model is used, as far as its files do not say. */
export interface Usage {
  /** The same name for every model; null: the file or folder gives one. */
  readonly modelName: string | null;
  readonly withoutTemplate: Model['withoutTemplate'];
  /** Tokens; 0 is off. */
  readonly defaultRepetitionWindow: number;
}

/** Nothing unusual. */
export const PLAIN_USAGE: Usage = { modelName: null, withoutTemplate: 'plain', defaultRepetitionWindow: 0 };

/** A model's architecture and its hyperparameters, which that architecture read. */
export interface DescribedModel {
  readonly architecture: Architecture;
  readonly hyperparameters: Hyperparameters;
}

export type GgufArchitecture = Architecture & { readonly gguf: GgufFormat<Hyperparameters> };
