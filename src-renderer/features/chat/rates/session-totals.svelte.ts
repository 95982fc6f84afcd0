import { SvelteMap } from 'svelte/reactivity';
import type { Timings } from '../../../../src-main/engine/api/types.ts';

/** What a run contributes to the totals of its model. */
export interface FinishedRun {
  readonly modelId: string;
  readonly model: string;
  readonly timings: Timings;
  /** Prompt tokens that were computed, and those that were reused. */
  readonly computedTokens: number;
  readonly reusedTokens: number;
  /** Generated tokens. */
  readonly tokens: number;
}

/** Totals of a model's replies since the app was started. */
export interface ModelTotals {
  readonly modelId: string;
  readonly model: string;
  readonly replies: number;
  readonly computedTokens: number;
  readonly reusedTokens: number;
  /** Generated tokens. */
  readonly tokens: number;
  /** Time of prefill, and of the tokens after the first of each reply, ms. */
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** Generated tokens within `decodeMs`: the first of each reply belongs to prefill. */
  readonly decodedTokens: number;
  readonly fastest: number | null;
  readonly slowest: number | null;
}

/** Replies of this page since it was opened, by model. */
export class SessionTotals {
  readonly #totals = new SvelteMap<string, ModelTotals>();

  /** Models in the order of their first reply. */
  get models(): readonly ModelTotals[] {
    return [...this.#totals.values()];
  }

  note({ modelId, model, timings, computedTokens, reusedTokens, tokens }: FinishedRun): void {
    const known = this.#totals.get(modelId);
    const rate = timings.decodeTokensPerSecond;
    const decoded = rate === null ? 0 : Math.max(0, tokens - 1);
    this.#totals.set(modelId, {
      modelId,
      model,
      replies: (known?.replies ?? 0) + 1,
      computedTokens: (known?.computedTokens ?? 0) + computedTokens,
      reusedTokens: (known?.reusedTokens ?? 0) + reusedTokens,
      tokens: (known?.tokens ?? 0) + tokens,
      prefillMs: (known?.prefillMs ?? 0) + timings.prefillMs,
      decodeMs: (known?.decodeMs ?? 0) + (rate === null ? 0 : (1000 * decoded) / rate),
      decodedTokens: (known?.decodedTokens ?? 0) + decoded,
      fastest: rate === null ? (known?.fastest ?? null) : Math.max(rate, known?.fastest ?? rate),
      slowest: rate === null ? (known?.slowest ?? null) : Math.min(rate, known?.slowest ?? rate),
    });
  }
}

/** Tokens per second; null where nothing was measured. */
export function rateOver(tokens: number, ms: number): number | null {
  return tokens > 0 && ms > 0 ? (1000 * tokens) / ms : null;
}
