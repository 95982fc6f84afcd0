import type { SamplingParams } from '../api/types.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { DescribedModel } from './architectures/architecture.ts';
import type { WeightSource } from './weight-source.ts';

/** A model of any format with its headers read, but not its weights. */
export interface ModelSource extends DescribedModel {
  /** Display name. */
  readonly name: string;
  readonly tokenizer: Tokenizer;
  /** Added at the start of every text; null when the model has none. */
  readonly bosTokenId: number | null;
  /** All end-of-generation tokens, without duplicates. */
  readonly eosTokenIds: readonly number[];
  /** Tokens that the model must not generate. */
  readonly maskedTokenIds: readonly number[];
  readonly chat: ChatTraits;
  readonly weights: WeightSource;
  /** Total size of the model's files. */
  readonly totalBytes: number;
  /** How much of it was read already. */
  readonly bytesRead: number;
  /** Closes the files. */
  close(): Promise<void>;
}

/** What a model's files say about chatting with it, apart from its tokenizer. */
export interface ChatTraits {
  /** Jinja source of the chat template; null when there is none. */
  readonly template: string | null;
  /** `bos_token` and `eos_token` for the template; empty when there is none. */
  readonly bosToken: string;
  readonly eosToken: string;
  readonly samplingDefaults: Partial<SamplingParams>;
}
