/**
 * What a program depends on in one model: the same record for GGUF metadata (`gguf/read-decoder.ts`) and a Hugging Face
 * `config.json` (`huggingface/read-decoder.ts`). Names are GGUF's keys in camelCase.
 *
 * All defaults are resolved. An architecture that needs more fields extends it.
 */
export interface Hyperparameters {
  /** Training context in tokens. */
  readonly contextLength: number;
  /** Rows of the token table. */
  readonly vocabularySize: number;
  readonly blockCount: number;
  readonly embeddingLength: number;
  readonly feedForwardLength: number;
  readonly headCount: number;
  /** Heads of K and V; divides headCount. */
  readonly headCountKv: number;
  /** Width of one head of Q, K and V. */
  readonly keyLength: number;
  /** Epsilon of every norm, RMS or layer norm. */
  readonly normEpsilon: number;
  /** Factor on the attention scores: 1 / sqrt(keyLength) unless the model says otherwise. */
  readonly attentionScale: number;
  /** c in c * tanh(score / c), applied to the scaled attention scores; null is off. */
  readonly attentionLogitSoftcap: number | null;
  /** c in c * tanh(logit / c); null is off. */
  readonly finalLogitSoftcap: number | null;
  /** Tokens that a local layer's token attends to, itself included; null when every layer is global. */
  readonly slidingWindow: number | null;
  /** `[blockCount]`: whether the layer attends only within `slidingWindow`. All false if that is null. */
  readonly localLayers: readonly boolean[];
  /** `[blockCount]`: whether the layer rotates its queries and keys. All false for models with learned positions. */
  readonly ropeLayers: readonly boolean[];
  /** Rotary embedding of global layers; null for models with learned positions. */
  readonly rope: RopeParameters | null;
  /** Rotary embedding of local layers; the same as `rope` unless the architecture distinguishes them. */
  readonly ropeLocal: RopeParameters | null;
  /** Whether the token table is the output matrix too, so that there is no `output.weight`. */
  readonly tiedEmbeddings: boolean;
  /** Which linear layers have biases. GPT-2 has all of them. */
  readonly biases: {
    /** attn_q, attn_k, attn_v (or attn_qkv). */
    readonly queryKeyValue: boolean;
    /** attn_output. */
    readonly attentionOutput: boolean;
    /** ffn_gate, ffn_up, ffn_down. */
    readonly feedForward: boolean;
  };
}

/**
 * Rotary position embedding (Su et al., 2021): pair i of a head is rotated by the angle position * frequency_i, where
 * frequency_i = freqBase^(-2i / dimensionCount), changed by `scaling`. `rope-table.ts` computes the frequencies.
 */
export interface RopeParameters {
  /** Leading dimensions of each head that rotate; even, at most keyLength. */
  readonly dimensionCount: number;
  readonly freqBase: number;
  /** How frequencies are scaled for contexts longer than the pre-training's. */
  readonly scaling: RopeScaling;
  /**
   * `[dimensionCount / 2]` divisors of the frequencies (GGUF's `rope_freqs.weight`), applied before `scaling`; null
   * for none.
   */
  readonly freqDivisors: readonly number[] | null;
  /**
   * Final factor on cos and sin, including YaRN's 1 + 0.1 ln(factor) and LongRoPE's sqrt(1 + ln(factor) / ln(original)).
   * 1 is off.
   */
  readonly attentionFactor: number;
}

export type RopeScaling =
  | { readonly type: 'none' }
  /** Every frequency is divided by `factor`. */
  | { readonly type: 'linear'; readonly factor: number }
  /** Low frequencies are divided by `factor`, high ones are unchanged, with a linear blend between (Llama 3.1). */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalContextLength: number;
    }
  /** NTK by parts (Peng et al., 2023). */
  | {
      readonly type: 'yarn';
      readonly factor: number;
      readonly originalContextLength: number;
      /** Default 32. */
      readonly betaFast: number;
      /** Default 1. */
      readonly betaSlow: number;
      /** Whether to round the ends of the ramp to whole dimensions. Default true. */
      readonly truncate: boolean;
    }
  /**
   * Frequency i is divided by entry i of one of two lists (Ding et al., 2024): `longFactors` when the context that the
   * model is loaded with is larger than `originalContextLength`, else `shortFactors`.
   */
  | {
      readonly type: 'longrope';
      /** `[dimensionCount / 2]`. */
      readonly shortFactors: readonly number[];
      /** `[dimensionCount / 2]`. */
      readonly longFactors: readonly number[];
      readonly originalContextLength: number;
    };
