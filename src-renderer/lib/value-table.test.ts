import { expect, it } from 'vitest';
import { cellText, tableCsv, type ValueTable } from './value-table.ts';

const table: ValueTable = {
  name: 'example',
  columns: [{ heading: 'Model' }, { heading: 'Tokens' }, { heading: 'ms', format: (value) => value.toFixed(1) }],
  rows: [
    ['A, "small"', 12_345, 1 / 3],
    ['=B', null, 2],
  ],
};

it('shows numbers as their column has them, and a dash for none', () => {
  const shown = table.rows.map((row) => row.map((cell, column) => cellText(cell, table.columns[column]!)));
  expect(shown).toEqual([
    ['A, "small"', '12,345', '0.3'],
    ['=B', '–', '2.0'],
  ]);
});

it('saves numbers in full, and no formulas', async () => {
  expect(await tableCsv(table).text()).toBe(`Model,Tokens,ms\r\n"A, ""small""",12345,0.3333333333333333\r\n'=B,,2\r\n`);
});
