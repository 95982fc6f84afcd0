import { describe, expect, it } from 'vitest';
import { cellTints } from './cells.ts';
import { tableCsv, tableJson } from './export.ts';
import { formatNumber, subtracted, type Table, type TableValue } from './picture.ts';
import { sceneSvg } from './scene.ts';

function tableOf(columns: string[], rows: TableValue[][]): Table {
  return { columns, rows: rows.length, row: (index) => rows[index]! };
}

describe('exported numbers', () => {
  it('quotes texts, keeps all digits, and runs no formula in a spreadsheet', () => {
    const table = tableOf(
      ['piece', 'value'],
      [
        ['a,"b"\n', 1 / 3],
        ['=1+1', -Infinity],
      ],
    );
    expect(tableCsv(table)).toBe(`piece,value\r\n"a,""b""\n",${1 / 3}\r\n'=1+1,-Infinity\r\n`);
  });
  it('runs no formula that begins with a full-width sign or a line break either', () => {
    const texts = ['＝1', '＋1', '－1', '＠a', '\n=1'];
    const table = tableOf(
      ['piece'],
      texts.map((text) => [text]),
    );
    expect(tableCsv(table)).toBe(`piece\r\n'＝1\r\n'＋1\r\n'－1\r\n'＠a\r\n"'\n=1"\r\n`);
  });
  it('can be read back, whatever the text: the first apostrophe before a formula was added', () => {
    const texts = ['=', "'=", "''-1", "'a", '@', "'"];
    const table = tableOf(
      ['piece'],
      texts.map((text) => [text]),
    );
    const lines = tableCsv(table).trimEnd().split('\r\n').slice(1);
    expect(lines).toEqual(["'=", "''=", "'''-1", "'a", "'@", "'"]);
    expect(lines.map((line) => (/^'+[=+\-@\t\r]/.test(line) ? line.slice(1) : line))).toEqual(texts);
  });
  it('writes JSON that can be read back', () => {
    const table = tableOf(
      ['piece', 'value'],
      [
        ['x', 0.1],
        ['y', -Infinity],
      ],
    );
    expect(JSON.parse(tableJson('Title', table))).toEqual({
      title: 'Title',
      columns: ['piece', 'value'],
      rows: [
        ['x', 0.1],
        ['y', '-Infinity'],
      ],
    });
  });
  it('shows six significant digits', () => {
    expect([0.4051234567, -Infinity, 1234567.8, 0].map((value) => formatNumber(value))).toEqual([
      '0.405123',
      '−∞',
      '1,234,570',
      '0',
    ]);
    expect([2.5, -2.5].map(subtracted)).toEqual(['2.5', '(−2.5)']);
  });
});

it('writes a picture as SVG, with texts escaped', () => {
  const svg = sceneSvg(
    {
      width: 10,
      height: 20,
      shapes: [
        { kind: 'rect', x: 0, y: 1, width: 2, height: 3, fill: '--weight-3' },
        { kind: 'text', x: 0, y: 0, text: '<a & "b">\u0001', fill: '--text-1', anchor: 'end', turn: -50 },
      ],
    },
    'A <title>',
    (token) => (token === '--weight-3' ? '#85cbc9' : '#000'),
  );
  expect(svg).toContain('<title>A &lt;title&gt;</title>');
  expect(svg).toContain('<rect x="0" y="1" width="2" height="3" fill="#85cbc9"/>');
  expect(svg).toContain('&lt;a &amp; &quot;b&quot;&gt;\ufffd</text>');
  expect(svg).toContain('transform="rotate(-50 0 0)"');
});

it('writes the cells of a grid as rectangles, without those where nothing is', () => {
  const values = [1, null, -1, 0];
  const svg = sceneSvg(
    {
      width: 40,
      height: 20,
      shapes: [
        {
          ...{ kind: 'cells', x: 4, y: 0, width: 10, height: 8, gap: 1, columns: 2 },
          tints: cellTints([2, 2], (row, column) => values[2 * row + column] ?? null, 1),
        },
      ],
    },
    'Cells',
    (token) => token,
  );
  expect(svg.split('\n').filter((line) => line.includes('width="9"'))).toEqual([
    '<rect x="4" y="0" width="9" height="7" fill="--weight-8"/>',
    '<rect x="4" y="8" width="9" height="7" fill="--surp-6"/>',
    '<rect x="14" y="8" width="9" height="7" fill="--weight-0"/>',
  ]);
});
