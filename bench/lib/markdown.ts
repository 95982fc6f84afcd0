/** Tables and numbers of the benchmark's report. */
import type { Goal } from './goals.ts';

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** Three significant digits. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return 'n/a';
  if (value >= 99.5) return value.toFixed(0);
  return value >= 9.95 ? value.toFixed(1) : value.toFixed(2);
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** The ratio with its targets: `2.31 (1.8, 2.7)`; bold below the minimum. */
export function against(ratio: number, { floor, goal }: Goal): string {
  const text = ratio >= floor ? number(ratio) : `**${number(ratio)}**`;
  return `${text} (${floor}, ${goal})`;
}
