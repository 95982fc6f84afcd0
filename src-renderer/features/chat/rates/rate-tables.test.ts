import { expect, it } from 'vitest';
import { RunStatistics } from '../state/statistics.ts';
import { cellText, tableCsv, timeTable, tokenTable, totalsTable } from './rate-tables.ts';

it('has every token of the chart, the first without a rate', async () => {
  const table = tokenTable(new RunStatistics([100, 10, 10, 20]));
  expect(table.rows).toEqual([
    [1, 100, null],
    [2, 10, 100],
    [3, 10, 100],
    [4, 20, 75],
  ]);
  expect(await tableCsv(table).text()).toBe(
    'token,ms,tokens per second\r\n1,100,\r\n2,10,100\r\n3,10,100\r\n4,20,75\r\n',
  );
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
    ...{ modelId: 'a', model: 'A', replies: 2, computedTokens: 100, reusedTokens: 0, tokens: 31 },
    ...{ prefillMs: 500, decodeMs: 1500, decodedTokens: 30, fastest: 40, slowest: 10 },
  };
  expect(totalsTable([totals]).rows).toEqual([['A', 2, 100, 0, 31, 200, 20, 40, 10, 2]]);
});

it.each([
  [null, '–'],
  [12_345, '12,345'],
  [0.123456, '0.123'],
  [123.4, '123'],
])('%j is %s', (cell, text) => expect(cellText(cell)).toBe(text));
