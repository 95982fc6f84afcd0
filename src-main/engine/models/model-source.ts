import type { SamplingParams } from '../api/types.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { DescribedModel } from './architectures/architecture.ts';
import type { WeightSource } from './weight-source.ts';

/** A model whose headers were read and whose weights were not, whatever the format of its files. */
export interface ModelSource extends DescribedModel {
  /** What people call it. */
  readonly name: string;
  readonly tokenizer: Tokenizer;
  /** Begins every text; null when the model has none. */
  readonly bosTokenId: number | null;
  /** Every token that ends a reply, each once. */
  readonly eosTokenIds: readonly number[];
  /** That the model must not write. */
  readonly maskedTokenIds: readonly number[];
  readonly chat: ChatTraits;
  readonly weights: WeightSource;
  /** Bytes of all files of the model. */
  readonly totalBytes: number;
  /** Those of them that were read already. */
  readonly bytesRead: number;
  /** Lets go of the files. */
  close(): Promise<void>;
}

/** What a model's files say about how to talk to it, beside its tokenizer. */
export interface ChatTraits {
  /** Jinja source of the chat template; null when there is none. */
  readonly template: string | null;
  /** `bos_token` and `eos_token` as a template writes them; empty where there is none. */
  readonly bosToken: string;
  readonly eosToken: string;
  readonly samplingDefaults: Partial<SamplingParams>;
}
