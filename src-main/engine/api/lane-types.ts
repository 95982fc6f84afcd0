/** Several replies generated as one batch. */
import type { GenerateEvent } from './types.ts';

/** Prefill of all lanes. The common prefix of their prompts is computed once. */
export interface LanesPrefill {
  /** Length of the common prefix, in tokens. */
  sharedTokens: number;
  /** How many of `sharedTokens` were already in the KV cache. */
  reusedTokens: number;
  /** Prompt tokens to compute for all lanes together; a token that lanes share counts once. */
  computedTokens: number;
  /** Additional memory for K and V, until all lanes have ended. */
  kvCacheBytes: number;
}

export type LanesEvent =
  /** Sent once, first. */
  | ({ type: 'prefill' } & LanesPrefill)
  /**
   * Each lane, from 0, sends the events of `generate`: one `start`, its tokens, one `end`. A lane that cannot begin, for
   * example because its prompt does not fit in the context window, sends only its `end`.
   */
  | { type: 'lane'; lane: number; event: GenerateEvent };
