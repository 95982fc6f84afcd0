import type { ModelInfo, Timings } from '../../../../src-main/engine/api/types.ts';
import type { Reply } from './reply.svelte.ts';

/** Shorter replies do not tell how fast a model is, tokens. */
const LEAST_TOKENS = 8;

/** Ms per token with and without the KV cache, from the latest reply of each kind that was long enough to tell. */
export interface CacheComparison {
  msPerToken: number;
  /** Context at the reply's end, tokens: without the cache the time grows with it. */
  contextTokens: number;
}

/** A reply that was long enough to tell how fast its model is. */
export interface MeasuredReply {
  model: ModelInfo;
  timings: Timings;
  tokens: number;
}

/** What replies tell about the present model's speed. */
export class SpeedMeasurements {
  /** What the KV cache saves. */
  cache = $state.raw<{ cached: CacheComparison | null; uncached: CacheComparison | null }>({
    cached: null,
    uncached: null,
  });
  #model: string | null = null;
  // Nothing on screen depends on it.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #listeners = new Set<(written: MeasuredReply) => void>();

  /** @param listener hears of each reply that tells how fast the model is @returns stops */
  listen(listener: (written: MeasuredReply) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Another model's numbers do not count any more. */
  startWith(model: ModelInfo): void {
    if (this.#model !== model.id) this.cache = { cached: null, uncached: null };
    this.#model = model.id;
  }

  /** A reply has ended. */
  note(reply: Reply, model: ModelInfo | null, useKvCache: boolean): void {
    const { timings } = reply;
    const rate = timings?.decodeTokensPerSecond;
    const tokens = reply.count - reply.runStart;
    if (timings === null || rate == null || tokens < LEAST_TOKENS) return;
    if (model !== null && model.name === reply.model && useKvCache) {
      for (const listener of this.#listeners) listener({ model, timings, tokens });
    }
    const result = { msPerToken: 1000 / rate, contextTokens: reply.contextUsed };
    this.cache = { ...this.cache, [useKvCache ? 'cached' : 'uncached']: result };
  }
}
