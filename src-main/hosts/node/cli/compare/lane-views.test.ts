import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { displayWidth } from '../format/display-width.ts';
import { Output } from '../output.ts';
import { LaneBlocks } from './lane-blocks.ts';
import { columnWidth, LaneColumns } from './lane-columns.ts';
import { TextLines } from './text-lines.ts';

function output() {
  const stream = new PassThrough().setEncoding('utf8');
  /** Text since the last call. */
  const written = () => (stream.read() as string | null) ?? '';
  return { out: new Output(stream, () => undefined), written };
}

describe('TextLines', () => {
  const linesOf = (width: number, ...texts: string[]) => {
    const lines = new TextLines(width);
    for (const text of texts) lines.add(text);
    lines.end();
    return lines.complete;
  };

  it('breaks between words, however the text arrives', () => {
    const expected = ['one two', 'three', 'four'];
    expect(linesOf(8, 'one two three four')).toEqual(expected);
    expect(linesOf(8, ...'one two three four')).toEqual(expected);
  });

  it('breaks words that are longer than a line, and keeps line ends', () => {
    expect(linesOf(4, 'abcdefghij k')).toEqual(['abcd', 'efgh', 'ij k']);
    expect(linesOf(9, 'a\n\nb\n')).toEqual(['a', '', 'b']);
    expect(linesOf(3, 'abc def')).toEqual(['abc', 'def']);
  });

  it('counts wide characters twice, ignores combining marks, and drops control characters', () => {
    expect(linesOf(4, '日本語')).toEqual(['日本', '語']);
    expect(linesOf(3, 'e\u0301e\u0301e\u0301e')).toEqual(['e\u0301e\u0301e\u0301', 'e']);
    expect(linesOf(9, 'a\tb\r\u001b[2Jc')).toEqual(['a b[2Jc']);
    expect(displayWidth('a日🙂')).toBe(5);
  });
});

describe('columnWidth', () => {
  it('divides the terminal, or is null if that is too narrow', () => {
    expect(columnWidth(3, 120)).toBe(38);
    expect(columnWidth(3, 66)).toBe(20);
    expect(columnWidth(3, 65)).toBeNull();
    expect(columnWidth(1, undefined)).toBeNull();
  });
});

describe('LaneColumns', () => {
  it('prints each row once all lanes have it', async () => {
    const { out, written } = output();
    const columns = new LaneColumns(out, 6, ['first lane', 'second']);
    await columns.add(0, 'aaa bbb ccc ');
    expect(written()).toBe('first  │ second\nlane   │\n────── │ ──────\n');
    await columns.add(1, 'one');
    expect(written()).toBe('');
    await columns.add(1, ' twoo three');
    expect(written()).toBe('aaa    │ one\nbbb    │ twoo\n');
    await columns.end(1);
    expect(written()).toBe('');
    await columns.add(0, 'ddd\n');
    expect(written()).toBe('ccc    │ three\nddd    │\n');
    await columns.end(0);
    expect(written()).toBe('');
  });
});

describe('LaneBlocks', () => {
  it('streams the first lane, and prints the next when it has ended', async () => {
    const { out, written } = output();
    const blocks = new LaneBlocks(out, ['a', 'b', 'c']);
    await blocks.add(1, 'second');
    expect(written()).toBe('');
    await blocks.add(0, 'first ');
    await blocks.add(0, 'lane');
    expect(written()).toBe('[a]\nfirst lane');
    await blocks.end(1);
    expect(written()).toBe('');
    await blocks.end(0);
    expect(written()).toBe('\n\n[b]\nsecond\n\n[c]\n');
    await blocks.add(2, 'third');
    await blocks.end(2);
    expect(written()).toBe('third\n');
    const later = new LaneBlocks(out, ['d'], true);
    await later.add(0, 'fourth');
    expect(written()).toBe('\n[d]\nfourth');
  });
});
