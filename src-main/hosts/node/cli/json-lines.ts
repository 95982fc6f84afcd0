import type { CliContext } from './context.ts';
import { EXIT, failureOf, UsageError, type ExitCode } from './errors.ts';
import { abortable, decodeUtf8 } from './options/text-input.ts';

const NEWLINE = 0x0a;
/** More than the longest text takes as JSON with all characters escaped, and than a million ids. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * Answers each line of standard input with a line of JSON. A failing line gets `{ error }`, and the command then exits
 * with that failure's exit code.
 */
export async function answerJsonLines(context: CliContext, answer: (value: unknown) => unknown): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  let number = 0;
  for await (const line of splitLines(abortable(context.stdin, context.signal))) {
    number++;
    try {
      await context.out.json(await answer(parseLine(line, number)));
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (context.signal.aborted) throw thrown;
      await context.out.json({ error: failure.error });
      exitCode = failure.exitCode;
    }
  }
  return exitCode;
}

/**
 * Splits at line feeds only: JSON may contain Unicode's other line separators unescaped.
 * @throws UsageError at a line of more than `MAX_LINE_BYTES`
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let number = 1;
  const add = (part: Uint8Array) => {
    bytes += part.length;
    if (bytes > MAX_LINE_BYTES) throw tooLong(number);
    parts.push(part);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      yield Buffer.concat(parts);
      parts = [];
      bytes = 0;
      number++;
      start = end + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

function tooLong(number: number): UsageError {
  const limit = MAX_LINE_BYTES.toLocaleString('en-US');
  return new UsageError(`Line ${number} of standard input is too long: the limit is ${limit} bytes. Split it.`);
}

function parseLine(line: Uint8Array, number: number): unknown {
  const text = decodeUtf8(line, `Line ${number}`);
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`Line ${number} is not JSON: ${reason}`);
  }
}
