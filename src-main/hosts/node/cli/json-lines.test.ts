import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from './errors.ts';
import { MAX_LINE_BYTES, splitLines } from './json-lines.ts';

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

  it('are refused above a limit, so that a line without an end does not fill the memory', async () => {
    const chunk = Buffer.alloc(2 ** 20, 'a');
    let sent = 0;
    let closed = false;
    async function* endless() {
      try {
        yield Buffer.from('first\n');
        for (;;) {
          sent += chunk.length;
          yield chunk;
        }
      } finally {
        closed = true;
      }
    }
    const reader = splitLines(endless());
    expect(String((await reader.next()).value)).toBe('first');
    const failure = await reader.next().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect((failure as Error).message).toBe(
      'Line 2 of standard input is too long: the limit is 67,108,864 bytes. Split it.',
    );
    expect(sent).toBe(MAX_LINE_BYTES + chunk.length);
    expect(closed).toBe(true);
  });

  it('may be as long as the limit, also when they end within a chunk', async () => {
    const longest = Buffer.alloc(MAX_LINE_BYTES + 1, 'a');
    longest[MAX_LINE_BYTES] = 0x0a;
    async function* of(bytes: Uint8Array) {
      yield bytes;
    }
    expect((await splitLines(of(longest)).next()).value).toHaveLength(MAX_LINE_BYTES);
    const tooLong = Buffer.concat([Buffer.from('a'), longest]);
    await expect(splitLines(of(tooLong)).next()).rejects.toThrow('Line 1 of standard input is too long');
  });
});
