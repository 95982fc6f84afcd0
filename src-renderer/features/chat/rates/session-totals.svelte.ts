import { SvelteMap } from 'svelte/reactivity';
import type { LanesPrefill, Timings } from '../../../../src-main/engine/api/types.ts';
import type { Reply } from '../state/reply.svelte.ts';

/** What a run, or a batch of lanes, contributes to the totals of its model. */
export interface FinishedRun {
  readonly modelId: string;
  readonly model: string;
  /** Prompt tokens that were computed, and those that were reused. */
  readonly computedTokens: number;
  readonly reusedTokens: number;
  /** Those of a batch ran at the same time. */
  readonly replies: readonly { readonly timings: Timings; readonly tokens: number }[];
}

/** Totals of a model's replies since the page was opened. */
export interface ModelTotals {
  readonly modelId: string;
  readonly model: string;
  readonly replies: number;
  readonly computedTokens: number;
  readonly reusedTokens: number;
  /** Generated tokens. */
  readonly tokens: number;
  /** Time of prefill, and of the tokens after the first of each reply, ms. A batch takes as long as its longest lane. */
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** Generated tokens within `decodeMs`: the first of each reply belongs to prefill. */
  readonly decodedTokens: number;
  readonly fastest: number | null;
  readonly slowest: number | null;
}

const NOTHING = {
  ...{ replies: 0, computedTokens: 0, reusedTokens: 0, tokens: 0, prefillMs: 0, decodeMs: 0, decodedTokens: 0 },
  ...{ fastest: null, slowest: null },
} satisfies Omit<ModelTotals, 'modelId' | 'model'>;

/** Replies of this page since it was opened, by model. */
export class SessionTotals {
  readonly #totals = new SvelteMap<string, ModelTotals>();

  /** Models in the order of their first reply. */
  get models(): readonly ModelTotals[] {
    return [...this.#totals.values()];
  }

  /** Adds the latest run of a reply that has ended, unless nothing was computed. */
  add(reply: Reply): void {
    const run = finishedRun(reply);
    if (run === null) return;
    const { modelId, model } = reply.facts;
    const { promptTokens, reusedTokens } = reply;
    this.note({ modelId, model, computedTokens: promptTokens - reusedTokens, reusedTokens, replies: [run] });
  }

  /** Adds the lanes of one batch, whose common prefix was computed once. */
  addLanes(lanes: readonly Reply[], { computedTokens, reusedTokens }: LanesPrefill): void {
    const replies = lanes.flatMap((reply) => finishedRun(reply) ?? []);
    if (replies.length === 0) return;
    const { modelId, model } = lanes[0].facts;
    this.note({ modelId, model, computedTokens, reusedTokens, replies });
  }

  note({ modelId, model, computedTokens, reusedTokens, replies }: FinishedRun): void {
    const known = this.#totals.get(modelId) ?? NOTHING;
    const rates = replies.flatMap(({ timings }) => timings.decodeTokensPerSecond ?? []);
    const decoded = replies.map(({ timings, tokens }) => {
      const rate = timings.decodeTokensPerSecond;
      const count = rate === null ? 0 : Math.max(0, tokens - 1);
      return { count, ms: rate === null ? 0 : (1000 * count) / rate };
    });
    const { fastest, slowest } = known;
    this.#totals.set(modelId, {
      modelId,
      model,
      replies: known.replies + replies.length,
      computedTokens: known.computedTokens + computedTokens,
      reusedTokens: known.reusedTokens + reusedTokens,
      tokens: known.tokens + sumOf(replies.map(({ tokens }) => tokens)),
      prefillMs: known.prefillMs + Math.max(...replies.map(({ timings }) => timings.prefillMs)),
      decodeMs: known.decodeMs + Math.max(...decoded.map(({ ms }) => ms)),
      decodedTokens: known.decodedTokens + sumOf(decoded.map(({ count }) => count)),
      fastest: rates.length === 0 ? fastest : Math.max(...rates, fastest ?? 0),
      slowest: rates.length === 0 ? slowest : Math.min(...rates, slowest ?? Infinity),
    });
  }
}

/** Null if nothing was computed. */
function finishedRun({ timings, promptTokens, count, runStart }: Reply): FinishedRun['replies'][number] | null {
  return timings === null || promptTokens === 0 ? null : { timings, tokens: count - runStart };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Tokens per second; null where nothing was measured. */
export function rateOver(tokens: number, ms: number): number | null {
  return tokens > 0 && ms > 0 ? (1000 * tokens) / ms : null;
}
