import { formatDecimal } from '../ui/format.ts';
import { csv, type CsvValue } from './csv.ts';

/** The values behind a chart. */
export interface ValueTable {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly columns: readonly ValueColumn[];
  /** `[rows, columns]` */
  readonly rows: readonly (readonly CsvValue[])[];
}

export interface ValueColumn {
  readonly heading: string;
  /** A number as it is shown; files have it in full. Default: with a comma between thousands. */
  readonly format?: (value: number) => string;
}

export function tableCsv({ columns, rows }: ValueTable): Blob {
  const cells = columns.map(
    ({ heading }, index) => [heading, (row: readonly CsvValue[]) => row[index] ?? null] as const,
  );
  return new Blob([csv(cells, rows)], { type: 'text/csv;charset=utf-8' });
}

/** A cell for people; a dash where there is no value. */
export function cellText(cell: CsvValue, { format }: ValueColumn): string {
  if (cell === null) return '–';
  if (typeof cell !== 'number') return String(cell);
  return format === undefined ? formatDecimal(cell) : format(cell);
}
