/** What lanes' replies say about themselves, in numbers. */
import { DistinctCounts } from '../../../../src-main/protocol/engine/reply-metrics.ts';
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

/** Sums over the tokens of a reply so far. */
interface Totals {
  logprob: number;
  readonly distinct: DistinctCounts;
}

const totals = new WeakMap<Reply, Totals>();

/** Costs only what was added to the reply since the last call. */
export function figuresOf(reply: Reply): SampleFigures {
  const { logprob, distinct } = totalsOf(reply);
  const { count } = distinct;
  return {
    tokens: reply.count,
    rate: rateOf(reply),
    perplexity: count === 0 ? null : Math.exp(-logprob / count),
    surprisal: count === 0 ? null : -logprob / count / Math.LN2,
    distinct1: distinct.ratio(1),
    distinct2: distinct.ratio(2),
  };
}

function totalsOf(reply: Reply): Totals {
  const known = totals.get(reply) ?? { logprob: 0, distinct: new DistinctCounts() };
  totals.set(reply, known);
  const { ids, logprobs } = reply.columns;
  for (let at = known.distinct.count; at < ids.length; at++) {
    known.distinct.add(ids[at]);
    known.logprob += logprobs[at];
  }
  return known;
}

function rateOf(reply: Reply): number | null {
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
