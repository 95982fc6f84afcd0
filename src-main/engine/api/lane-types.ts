/** Several replies generated as one batch. */
import type { GenerateEvent } from './types.ts';

/** What the prompts of all lanes have in common is computed once. */
export interface LanesPrefill {
  /** Tokens that the prompts of all lanes begin with. */
  sharedTokens: number;
  /** Those of `sharedTokens` that were in the KV cache already. */
  reusedTokens: number;
  /** Prompt tokens to compute for all lanes together; a token that lanes share counts once. */
  computedTokens: number;
  /** Memory for K and V that the lanes take beside the model's own, until all of them have ended. */
  kvCacheBytes: number;
}

export type LanesEvent =
  /** Sent once, first. */
  | ({ type: 'prefill' } & LanesPrefill)
  /**
   * Each lane gives what a reply of its own would: one `start`, its tokens, one `end`. One that cannot begin, for example
   * because its prompt does not fit in the context window, gives its `end` only. Lanes count from 0.
   */
  | { type: 'lane'; lane: number; event: GenerateEvent };
