/** A position in a source text; lines and columns count from 1. */
export interface SourcePosition {
  line: number;
  column: number;
}

/** Width of a tab, columns. */
const TAB = 2;

export function lineCount(text: string): number {
  return text.split('\n').length;
}

/** Index of a position in the text, clamped to the text. */
export function offsetOf(text: string, { line, column }: SourcePosition): number {
  const lines = text.split('\n');
  const before = lines.slice(0, Math.max(0, line - 1)).reduce((sum, one) => sum + one.length + 1, 0);
  const within = Math.min(Math.max(0, column - 1), lines[line - 1]?.length ?? 0);
  return Math.min(text.length, before + within);
}

/** Visual column of a position, with tabs expanded. */
export function visualColumn(text: string, { line, column }: SourcePosition): number {
  const before = (text.split('\n')[line - 1] ?? '').slice(0, Math.max(0, column - 1));
  let cells = 0;
  for (const character of before) cells += character === '\t' ? TAB - (cells % TAB) : 1;
  return cells;
}
