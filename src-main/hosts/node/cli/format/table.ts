import { visibleControls } from '../../control-characters.ts';
import { displayWidth as width } from './display-width.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

/** Aligns rows under their column titles. All-empty titles are omitted. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const titles = columns.map(({ title }) => onOneLine(title));
  const cells = rows.map((row) => row.map(onOneLine));
  const lines = titles.every((title) => title === '') ? cells : [titles, ...cells];
  // A loop: a spread of as many arguments as a long text has tokens would overflow the stack.
  const widths = columns.map((_, c) => lines.reduce((widest, line) => Math.max(widest, width(line[c] ?? '')), 0));
  return lines.map((line) => formatRow(columns, widths, line)).join('\n');
}

function formatRow(columns: readonly Column[], widths: readonly number[], line: readonly string[]): string {
  const cells = columns.map(({ align }, c) => {
    const text = line[c] ?? '';
    const padding = ' '.repeat(widths[c]! - width(text));
    return align === 'right' ? padding + text : text + padding;
  });
  return cells.join('  ').trimEnd();
}

/** Escapes line ends and other control characters, which tokens may have. */
export function onOneLine(text: string): string {
  return visibleControls(text);
}

export function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

/** Indices of up to `count` rows if only some fit: the first and the last ones, with null for the gap. */
export function elide(count: number, first: number, last: number): (number | null)[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (count <= first + last + 1) return all;
  return [...all.slice(0, first), null, ...all.slice(count - last)];
}
