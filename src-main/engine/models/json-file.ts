import { EngineError } from '../api/errors.ts';
import { readExactly } from '../formats/read-exactly.ts';
import type { ByteSource } from '../api/platform.ts';
import { parseTokenizerJson } from '../tokenizer/json/parse-tokenizer-json.ts';

/**
 * Reads a small JSON file completely.
 * @param maxBytes limit, checked before reading
 * @throws EngineError MODEL_FORMAT when it is too large, not UTF-8 or not JSON; MODEL_IO when reading fails.
 */
export async function readJsonFile(source: ByteSource, maxBytes: number): Promise<unknown> {
  return parse(source, await readWhole(source, maxBytes));
}

/**
 * As `readJsonFile` for a `tokenizer.json`, with its vocabulary and merges packed: for tokenizerFromJson and
 * ggufKeysFromTokenizerJson.
 */
export async function readTokenizerJson(source: ByteSource, maxBytes: number): Promise<unknown> {
  const bytes = await readWhole(source, maxBytes);
  return parseTokenizerJson(bytes) ?? parse(source, bytes);
}

async function readWhole(source: ByteSource, maxBytes: number): Promise<Uint8Array> {
  const { size } = source;
  if (size > maxBytes) throw malformed(source, `the file has ${size} bytes; the limit is ${maxBytes}`);
  return readExactly(source, 0, size);
}

function parse(source: ByteSource, bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed(source, 'the file is not valid UTF-8', cause);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw malformed(source, `the file is not valid JSON (${reason})`, cause);
  }
}

function malformed({ name, size }: ByteSource, problem: string, cause?: unknown): EngineError {
  return new EngineError('MODEL_FORMAT', `${name}: ${problem}.`, { file: name, bytes: size }, { cause });
}
