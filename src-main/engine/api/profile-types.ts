/** Where the time of a model goes: plain data, as in `types.ts`. */

export interface ProfileParams {
  /** Tokens of a prompt that is read, >= 1. */
  prompt: number;
  /** Tokens in the window before single tokens are computed, >= 1. */
  context: number;
  /** Single tokens, >= 1. */
  generate: number;
}

/** All calls of one operation with the same shape, summed up. */
export interface OpProfile {
  /** For people, for example `linear Q4_1 576 x 1536` or `attention`. */
  name: string;
  calls: number;
  /** Time that the engine's own thread computed it, ms; where only one thread does, the time of that one. */
  ms: number;
  /** Time that the engine's thread waited for others before it, ms. */
  waitMs: number;
  /** Bytes of weights, and of K and V, that all threads together read. */
  bytes: number;
  /** Multiply-adds of all threads together. */
  multiplyAdds: number;
}

export interface RunProfile {
  tokens: number;
  /** Threads that computed. */
  threads: number;
  /** From the call to its results, ms. */
  ms: number;
  /** The one that took longest first. */
  ops: OpProfile[];
}

/** Where the time of a model goes. Measuring costs a few percent itself. */
export interface Profile {
  prefill: RunProfile;
  /** One token after the other. */
  decode: RunProfile;
}
