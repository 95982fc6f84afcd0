import { EngineError } from '../api/errors.ts';
import type { SourceProblem } from '../api/types.ts';

/** Line and column of a UTF-16 offset, both from 1. A CR LF pair ends one line. */
function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (const { 0: end, index } of text.matchAll(/\r\n|\r|\n/g)) {
    if (index + end.length > offset) break;
    line++;
    start = index + end.length;
  }
  return { line, column: offset - start + 1 };
}

/** An error in a grammar or schema, with its position in `text`. */
export function grammarError(message: string, text: string, offset: number): EngineError {
  const { line, column } = lineAndColumn(text, offset);
  return new EngineError('GRAMMAR', `${message} (line ${line}, column ${column})`, { line, column });
}

/** @throws the error itself when it has no position in a grammar */
export function problemOf(error: unknown): SourceProblem {
  if (!(error instanceof EngineError) || error.code !== 'GRAMMAR') throw error;
  const { line, column } = error.details;
  return { message: error.message, line: Number(line ?? 1), column: Number(column ?? 1) };
}
