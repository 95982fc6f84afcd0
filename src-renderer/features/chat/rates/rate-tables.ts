import { csv, type Cell } from '../../../lib/csv.ts';
import type { LatencyHistogram, RunStatistics } from '../state/statistics.ts';
import { rateOver, type ModelTotals } from './session-totals.svelte.ts';

/** The values behind a chart. */
export interface RateTable {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly headings: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Every token of a run with its time, and the rate that the chart shows there. */
export function tokenTable(statistics: RunStatistics): RateTable {
  const { latencies } = statistics;
  const rates = new Map(statistics.overTime(latencies.length).map(({ token, rate }) => [token, rate]));
  const rows = latencies.map((ms, index): Cell[] => [index + 1, ms, rates.get(index + 1) ?? null]);
  return { name: 'tokens-per-second', headings: ['token', 'ms', 'tokens per second'], rows };
}

/** The bars of the times per token. */
export function timeTable({ counts, from, to }: LatencyHistogram): RateTable {
  const width = (to - from) / counts.length;
  const rows = counts.map((count, index): Cell[] => [from + index * width, from + (index + 1) * width, count]);
  return { name: 'time-per-token', headings: ['from ms', 'to ms', 'tokens'], rows };
}

export function totalsTable(models: readonly ModelTotals[]): RateTable {
  const headings = [
    ...['model', 'replies', 'prompt tokens', 'reused tokens', 'generated tokens'],
    ...['prompt tokens per second', 'tokens per second', 'fastest reply', 'slowest reply', 'seconds'],
  ];
  const rows = models.map((each): Cell[] => [
    each.model,
    each.replies,
    each.computedTokens,
    each.reusedTokens,
    each.tokens,
    rateOver(each.computedTokens, each.prefillMs),
    rateOver(each.decodedTokens, each.decodeMs),
    each.fastest,
    each.slowest,
    (each.prefillMs + each.decodeMs) / 1000,
  ]);
  return { name: 'session', headings, rows };
}

export function tableCsv({ headings, rows }: RateTable): Blob {
  const columns = headings.map((heading, index) => [heading, (row: readonly Cell[]) => row[index] ?? null] as const);
  return new Blob([csv(columns, rows)], { type: 'text/csv;charset=utf-8' });
}

/** A cell for people: whole numbers as they are, others with three digits. */
export function cellText(cell: Cell): string {
  if (cell === null) return '–';
  if (typeof cell !== 'number') return String(cell);
  if (Number.isInteger(cell)) return cell.toLocaleString('en');
  return cell >= 100 ? cell.toFixed(0) : cell.toPrecision(3);
}
