/** What lanes' replies say about themselves, in numbers. */
import { RunningMetrics } from '../../../../src-main/protocol/engine/reply-metrics.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';

export interface SampleFigures {
  tokens: number;
  /** Tokens per second; null for fewer than two tokens. */
  rate: number | null;
  perplexity: number | null;
  /** Mean, in bits. */
  surprisal: number | null;
  /** Distinct tokens, and pairs of tokens, divided by all. */
  distinct1: number | null;
  distinct2: number | null;
}

export type FigureName = keyof SampleFigures;

const metrics = new WeakMap<Reply, RunningMetrics>();

/** Costs only what was added to the reply since the last call. */
export function figuresOf(reply: Reply): SampleFigures {
  const known = metricsOf(reply);
  return {
    tokens: reply.count,
    rate: rateOf(reply),
    perplexity: known.perplexity,
    surprisal: known.meanSurprisal,
    distinct1: known.distinctN(1),
    distinct2: known.distinctN(2),
  };
}

function metricsOf(reply: Reply): RunningMetrics {
  const known = metrics.get(reply) ?? new RunningMetrics();
  metrics.set(reply, known);
  const { ids, logprobs } = reply.columns;
  for (let at = known.count; at < ids.length; at++) known.add(ids[at], logprobs[at]);
  return known;
}

/** Tokens per second; null for fewer than two tokens. */
export function rateOf(reply: Reply): number | null {
  if (reply.count === 0) return null;
  if (reply.running) return reply.statistics.now();
  return reply.timings === null ? reply.statistics.average() : reply.timings.decodeTokensPerSecond;
}

/** A figure over several samples. */
export interface Spread {
  mean: number;
  least: number;
  greatest: number;
  /** Samples that have it. */
  count: number;
}

/** Null if no sample has the figure. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return { mean, least: Math.min(...known), greatest: Math.max(...known), count: known.length };
}

/** Each figure over the samples of a lane. */
export function spreads(all: readonly SampleFigures[]): Record<FigureName, Spread | null> {
  const spread = (name: FigureName) => spreadOf(all.map((figures) => figures[name]));
  return {
    tokens: spread('tokens'),
    rate: spread('rate'),
    perplexity: spread('perplexity'),
    surprisal: spread('surprisal'),
    distinct1: spread('distinct1'),
    distinct2: spread('distinct2'),
  };
}
