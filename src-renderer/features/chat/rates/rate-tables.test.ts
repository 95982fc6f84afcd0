import { expect, it } from 'vitest';
import { tableCsv } from '../../../lib/value-table.ts';
import { RunStatistics } from '../state/statistics.ts';
import { timeTable, tokenTable, totalsTable } from './rate-tables.ts';

it('has every token of the chart, the first without a rate', async () => {
  const table = tokenTable(new RunStatistics([100, 10, 10, 20]), 0);
  expect(table.rows).toEqual([
    [1, 100, null],
    [2, 10, 100],
    [3, 10, 100],
    [4, 20, 75],
  ]);
  expect(await tableCsv(table).text()).toBe('Token,ms,tok/s\r\n1,100,\r\n2,10,100\r\n3,10,100\r\n4,20,75\r\n');
});

it('numbers the tokens of a continued reply by their place in it', () => {
  const { rows } = tokenTable(new RunStatistics([100, 10]), 7);
  expect(rows).toEqual([
    [8, 100, null],
    [9, 10, 100],
  ]);
});

it('has the edges of every bar', () => {
  expect(timeTable({ counts: [3, 0, 1], from: 10, to: 16, medianBin: 0 }).rows).toEqual([
    [10, 12, 3],
    [12, 14, 0],
    [14, 16, 1],
  ]);
});

it('has a row for each model', () => {
  const totals = {
    ...{ modelId: 'a', model: 'A', replies: 2, computedTokens: 100, reusedTokens: 5, tokens: 31 },
    ...{ prefillMs: 500, decodeMs: 1500, decodedTokens: 30, fastest: 40, slowest: 10 },
  };
  const { columns, rows } = totalsTable([totals]);
  expect(Object.fromEntries(columns.map(({ heading }, index) => [heading, rows[0]?.[index]]))).toEqual({
    Model: 'A',
    Replies: 2,
    'Prompt tokens': 100,
    'Reused tokens': 5,
    'Prompt processing, tok/s': 200,
    'Generated tokens': 31,
    'Generation, tok/s': 20,
    'Slowest reply, tok/s': 10,
    'Fastest reply, tok/s': 40,
    'Time, s': 2,
  });
});
