import { describe, expect, it } from 'vitest';
import { lineCount, offsetOf, visualColumn } from './code-position.ts';

const TEXT = 'one\n\t\ttwo\n😀x';

describe('places in a source', () => {
  it('have an offset', () => {
    expect(lineCount(TEXT)).toBe(3);
    expect(lineCount('')).toBe(1);
    expect(offsetOf(TEXT, { line: 1, column: 1 })).toBe(0);
    expect(TEXT.slice(offsetOf(TEXT, { line: 2, column: 3 }))).toMatch(/^two/);
  });

  it('outside the text are its nearest', () => {
    expect(offsetOf(TEXT, { line: 1, column: 99 })).toBe(3);
    expect(offsetOf(TEXT, { line: 99, column: 1 })).toBe(TEXT.length);
    expect(offsetOf(TEXT, { line: 0, column: 0 })).toBe(0);
  });

  it('are so many cells from the left', () => {
    expect(visualColumn(TEXT, { line: 2, column: 3 })).toBe(4);
    expect(visualColumn(TEXT, { line: 3, column: 3 })).toBe(1);
    expect(visualColumn(TEXT, { line: 9, column: 3 })).toBe(0);
  });
});
