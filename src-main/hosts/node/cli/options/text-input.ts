import { type Command, InvalidArgumentError } from 'commander';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { PromptInput } from '../../../../engine/api/types.ts';
import { MAX_TEXT } from '../../../../protocol/fields.ts';
import type { CliContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { formatBytes } from '../format/numbers.ts';
import { parseIds } from './values.ts';

export interface TextOptions {
  file?: string;
  special?: true;
  bos: boolean;
}

export interface PromptOptions extends TextOptions {
  ids?: number[];
}

/** UTF-8 takes at most three bytes per UTF-16 unit. */
const MAX_BYTES = 3 * MAX_TEXT;

export function addTextOptions(command: Command): Command {
  return command
    .optionsGroup('Text:')
    .option('--file <path>', 'read the text from a file')
    .option('--special', 'parse special tokens such as <EOS> in the text')
    .option('--no-bos', 'do not add the start token (BOS)');
}

/** The text of an argument, of standard input (`-`) or of `--file`, unchanged. */
export async function readText(
  context: CliContext,
  argument: string | undefined,
  { file }: { file?: string },
): Promise<string> {
  if (argument !== undefined && file !== undefined) throw new UsageError('Use either a text or --file, not both.');
  if (file !== undefined) return decodeUtf8(await readFileBytes(file, context.signal), file);
  if (argument === undefined) throw new UsageError('Pass a text, "-" for standard input, or --file PATH.');
  if (argument !== '-') return argument;
  return decodeUtf8(await readBytes(context.stdin, 'standard input', context.signal), 'standard input');
}

export function addPromptOptions(command: Command): Command {
  return addTextOptions(command).option('--ids <ids>', 'token ids instead of text, used exactly as given', parseIds);
}

export async function readPrompt(
  context: CliContext,
  argument: string | undefined,
  options: PromptOptions,
): Promise<PromptInput> {
  if (options.ids === undefined) {
    const text = await readText(context, argument, options);
    return { kind: 'text', text, addBos: options.bos, parseSpecial: options.special ?? false };
  }
  if (argument !== undefined || options.file !== undefined)
    throw new UsageError('Use either a text or --ids, not both.');
  if (options.special || !options.bos) throw new UsageError('--special and --no-bos cannot be used with --ids.');
  return { kind: 'ids', ids: options.ids };
}

async function readFileBytes(path: string, signal: AbortSignal): Promise<Buffer> {
  try {
    return await readBytes(createReadStream(path), path, signal);
  } catch (error) {
    if (error instanceof UsageError || signal.aborted) throw error;
    throw new UsageError(`Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readBytes(stream: Readable, name: string, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of abortable(stream, signal)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) throw new UsageError(`${name} is too large: the limit is ${formatBytes(MAX_BYTES)}.`);
  }
  return Buffer.concat(chunks);
}

/** The chunks of a stream; ends it with an error when `signal` aborts. */
export async function* abortable(stream: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stop = () => stream.destroy(new Error('Stopped.'));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** @param name of the input, for the error message */
export function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${name} is not UTF-8 text. Convert it to UTF-8 first.`);
  }
}

/** More than the maximum size of a grammar, schema or template. */
const MAX_SOURCE_BYTES = 1024 * 1024;

/** Reads the text of a small file named by an option. @throws InvalidArgumentError, UsageError when it is not UTF-8 */
export function readSourceFile(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_SOURCE_BYTES)
      throw new Error(`it has ${formatBytes(size)}; the limit is ${formatBytes(MAX_SOURCE_BYTES)}`);
    return decodeUtf8(readFileSync(path), path).replace(/^\ufeff/, '');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`Cannot read the file: ${reason}.`);
  }
}
