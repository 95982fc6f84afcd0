import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitLines } from './json-lines.ts';

async function lines(...chunks: (string | Uint8Array)[]): Promise<string[]> {
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const found: string[] = [];
  for await (const line of splitLines(source())) found.push(Buffer.from(line).toString());
  return found;
}

describe('lines of standard input', () => {
  it('end at line feeds only, with or without one at the end', async () => {
    expect(await lines('a\nb')).toEqual(['a', 'b']);
    expect(await lines('a\n\nb\n')).toEqual(['a', '', 'b']);
    expect(await lines('"\u2028\u0085\r"\n')).toEqual(['"\u2028\u0085\r"']);
    expect(await lines()).toEqual([]);
  });

  it('do not depend on how the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '\n', '😀') })), async (texts) => {
        const whole = texts.join('');
        const bytes = Array.from(Buffer.from(whole), (byte) => Uint8Array.of(byte));
        const expected = whole.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(await lines(...bytes)).toEqual(expected);
        expect(await lines(...texts)).toEqual(expected);
      }),
    );
  });
});
