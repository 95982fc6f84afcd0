import type { ModelInfo, Timings } from '../../../../src-main/engine/api/types.ts';
import type { Reply } from './reply.svelte.ts';

/** Minimum length of a reply for a measurement, tokens. */
const LEAST_TOKENS = 8;

/** Time per token with or without the KV cache, from the latest reply that was long enough. */
export interface CacheComparison {
  msPerToken: number;
  /** Context at the end of the reply, tokens. Without the cache, the time grows with it. */
  contextTokens: number;
}

/** A reply that was long enough for a measurement. */
export interface MeasuredReply {
  model: ModelInfo;
  timings: Timings;
  tokens: number;
}

/** The current model's speed, measured from replies. */
export class SpeedMeasurements {
  /** Times with and without the KV cache. */
  cache = $state.raw<{ cached: CacheComparison | null; uncached: CacheComparison | null }>({
    cached: null,
    uncached: null,
  });
  #model: string | null = null;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on screen depends on it
  readonly #listeners = new Set<(written: MeasuredReply) => void>();

  /** @param listener is called for each measured reply @returns unsubscribes */
  listen(listener: (written: MeasuredReply) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Discards the measurements of another model. */
  startWith(model: ModelInfo): void {
    if (this.#model !== model.id) this.cache = { cached: null, uncached: null };
    this.#model = model.id;
  }

  /** A reply has ended. */
  note(reply: Reply, model: ModelInfo | null, useKvCache: boolean): void {
    const { timings } = reply;
    const rate = timings?.decodeTokensPerSecond;
    const tokens = reply.count - reply.runStart;
    if (timings === null || rate == null || tokens < LEAST_TOKENS || reply.isMixed) return;
    if (model !== null && model.name === reply.model && useKvCache) {
      for (const listener of this.#listeners) listener({ model, timings, tokens });
    }
    const result = { msPerToken: 1000 / rate, contextTokens: reply.contextUsed };
    this.cache = { ...this.cache, [useKvCache ? 'cached' : 'uncached']: result };
  }
}
