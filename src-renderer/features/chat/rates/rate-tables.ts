import type { CsvValue } from '../../../lib/csv.ts';
import type { ValueColumn, ValueTable } from '../../../lib/value-table.ts';
import { formatRate } from '../../../ui/format.ts';
import type { LatencyHistogram, RunStatistics } from '../state/statistics.ts';
import { rateOver, type ModelTotals } from './session-totals.svelte.ts';

const ms = (heading: string): ValueColumn => ({ heading, format: (value) => value.toFixed(1) });
const rate = (heading: string): ValueColumn => ({ heading, format: formatRate });

/**
 * Every token of a run with its time, and the rate that the chart shows there.
 * @param first index of the run's first token in the reply
 */
export function tokenTable(statistics: RunStatistics, first: number): ValueTable {
  const { latencies } = statistics;
  const rates = new Map(statistics.overTime(latencies.length).map((point) => [point.token, point.rate]));
  return {
    name: 'tokens-per-second',
    columns: [{ heading: 'Token' }, ms('ms'), rate('tok/s')],
    rows: latencies.map((time, index): CsvValue[] => [first + index + 1, time, rates.get(index + 1) ?? null]),
  };
}

/** The bars of the times per token. The last one has every slower token, too. */
export function timeTable({ counts, from, to }: LatencyHistogram): ValueTable {
  const width = (to - from) / counts.length;
  return {
    name: 'time-per-token',
    columns: [ms('From, ms'), ms('To, ms'), { heading: 'Tokens' }],
    rows: counts.map((count, index): CsvValue[] => [from + index * width, from + (index + 1) * width, count]),
  };
}

const TOTALS: readonly (ValueColumn & { readonly of: (totals: ModelTotals) => CsvValue })[] = [
  { heading: 'Model', of: ({ model }) => model },
  { heading: 'Replies', of: ({ replies }) => replies },
  { heading: 'Prompt tokens', of: ({ computedTokens }) => computedTokens },
  { heading: 'Reused tokens', of: ({ reusedTokens }) => reusedTokens },
  { ...rate('Prompt processing, tok/s'), of: ({ computedTokens, prefillMs }) => rateOver(computedTokens, prefillMs) },
  { heading: 'Generated tokens', of: ({ tokens }) => tokens },
  { ...rate('Generation, tok/s'), of: generationRate },
  { ...rate('Slowest reply, tok/s'), of: ({ slowest }) => slowest },
  { ...rate('Fastest reply, tok/s'), of: ({ fastest }) => fastest },
  {
    heading: 'Time, s',
    format: (value) => value.toFixed(value < 10 ? 2 : 1),
    of: ({ prefillMs, decodeMs }) => (prefillMs + decodeMs) / 1000,
  },
];

/** A row for each model. */
export function totalsTable(models: readonly ModelTotals[]): ValueTable {
  return { name: 'session', columns: TOTALS, rows: models.map((totals) => TOTALS.map(({ of }) => of(totals))) };
}

/** Generated tokens per second of all replies together; null before the second token. */
export function generationRate({ decodedTokens, decodeMs }: ModelTotals): number | null {
  return rateOver(decodedTokens, decodeMs);
}
