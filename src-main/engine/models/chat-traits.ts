import type { SamplingParams } from '../api/types.ts';

/** What a model's files say about how to talk to it, beside its tokenizer. */
export interface ChatTraits {
  /** Jinja source of the chat template; null when there is none. */
  readonly template: string | null;
  /** `bos_token` and `eos_token` as a template writes them; empty where there is none. */
  readonly bosToken: string;
  readonly eosToken: string;
  readonly samplingDefaults: Partial<SamplingParams>;
}
