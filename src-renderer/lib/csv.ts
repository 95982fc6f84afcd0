/** Tables as RFC 4180: UTF-8, CRLF, cells with quotes, commas or line breaks in quotes. */

export type CsvValue = string | number | boolean | null;
export type CsvColumn<T> = readonly [heading: string, cell: (row: T) => CsvValue];

/** Beginnings of formulas in spreadsheets, full-width ones included. */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

export function csv<T>(columns: readonly CsvColumn<T>[], rows: readonly T[]): string {
  const lines = rows.map((row) => columns.map(([, cell]) => encoded(cell(row))).join(','));
  return [columns.map(([heading]) => heading).join(','), ...lines, ''].join('\r\n');
}

/** A text that a spreadsheet would run as a formula starts with an apostrophe, as OWASP recommends. */
function encoded(cell: CsvValue): string {
  if (typeof cell !== 'string') return cell === null ? '' : String(cell);
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
