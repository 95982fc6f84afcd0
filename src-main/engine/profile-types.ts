/** Results of profiling a model: plain data, as in `types.ts`. */

export interface ProfileParams {
  /** Tokens of a prompt to prefill, >= 1. */
  prompt: number;
  /** Tokens in the window before single tokens are computed, >= 1. */
  context: number;
  /** Single tokens, >= 1. */
  generate: number;
}

/** All calls of one operation with the same shape, summed up. */
export interface OpProfile {
  /** Display name, for example `linear Q4_1 576 x 1536` or `attention`. */
  name: string;
  calls: number;
  /**
   * Time that the engine's own thread spent computing it, ms; for a single-threaded operation, the time of the thread
   * that ran it.
   */
  ms: number;
  /** Time that the engine's thread waited for others before it, ms. */
  waitMs: number;
  /** Bytes of weights, K and V that all threads read. */
  bytes: number;
  /** Multiply-adds of all threads. */
  multiplyAdds: number;
}

export interface RunProfile {
  tokens: number;
  /** Number of threads. */
  threads: number;
  /** From the call to its results, ms. */
  ms: number;
  /** Slowest first. */
  ops: OpProfile[];
}

/** Profile of a model. Profiling itself costs a few percent. */
export interface Profile {
  prefill: RunProfile;
  /** Single tokens, one by one. */
  decode: RunProfile;
}
