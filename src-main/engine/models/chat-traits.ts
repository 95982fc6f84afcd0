import type { SamplingParams } from '../api/types.ts';

/** What a model's files say about chatting with it, apart from its tokenizer. */
export interface ChatTraits {
  /** Jinja source of the chat template; null when there is none. */
  readonly template: string | null;
  /** `bos_token` and `eos_token` for the template; empty when there is none. */
  readonly bosToken: string;
  readonly eosToken: string;
  readonly samplingDefaults: Partial<SamplingParams>;
}
