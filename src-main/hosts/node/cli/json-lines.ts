import type { CliContext } from './context.ts';
import { EXIT, failureOf, UsageError, type ExitCode } from './errors.ts';
import { abortable, decodeUtf8 } from './options/text-input.ts';

const NEWLINE = 0x0a;

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

/** Splits at line feeds only: JSON may contain Unicode's other line separators unescaped. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]);
      parts = [];
      start = end + 1;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
  if (parts.length > 0) yield Buffer.concat(parts);
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
