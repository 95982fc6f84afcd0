import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { GGUF_MAGIC } from '../../../../src-main/engine/api/model-file-rules.ts';

export interface DecodedText {
  /** With line feeds only, without a byte order mark. */
  text: string;
  /** The encoding, if it is not UTF-8, for people; null otherwise. */
  note: string | null;
}

/** First bytes of formats that are often attached by mistake. */
const FORMATS: readonly (readonly [name: string, first: readonly number[]])[] = [
  ['a PNG image', [0x89, 0x50, 0x4e, 0x47]],
  ['a JPEG image', [0xff, 0xd8, 0xff]],
  ['a GIF image', [0x47, 0x49, 0x46, 0x38]],
  ['a ZIP archive or an Office document', [0x50, 0x4b, 0x03, 0x04]],
  ['a gzip archive', [0x1f, 0x8b]],
  ['a model file', GGUF_MAGIC],
  ['a program', [0x7f, 0x45, 0x4c, 0x46]],
  ['a program', [0x4d, 0x5a]],
  ['an old Office document', [0xd0, 0xcf, 0x11, 0xe0]],
];
/** Inspected for control characters, bytes. */
const SAMPLE = 64 * 1024;
/** Share of NULs at even or odd offsets above which a file without a mark is UTF-16. */
const UTF16_SHARE = 0.4;

/**
 * Decodes UTF-8, UTF-16 with or without a byte order mark, else Latin-1 (Windows-1252, as browsers do).
 * @throws EngineError BAD_REQUEST for binary files
 */
export function decodeText(bytes: Uint8Array, name: string): DecodedText {
  const utf16 = utf16In(bytes);
  if (utf16 !== null) return { text: decoded(bytes, utf16), note: `Read as ${utf16.toUpperCase()}.` };
  const format = FORMATS.find(([, first]) => first.every((byte, at) => bytes[at] === byte));
  const sample = bytes.subarray(0, SAMPLE);
  if (format !== undefined && sample.some(isControl)) throw binary(name, `is ${format[0]}`);
  const nul = sample.indexOf(0);
  if (nul >= 0) throw binary(name, `is a binary file: byte ${nul} is 0`);
  if (sample.filter(isControl).length > sample.length / 50)
    throw binary(name, 'is a binary file: it has control characters');
  try {
    return { text: decoded(bytes, 'utf-8', true), note: null };
  } catch {
    return { text: decoded(bytes, 'windows-1252'), note: 'Not valid UTF-8, so it was read as Latin-1.' };
  }
}

function utf16In(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes.length < 4 || bytes.length % 2 === 1) return null;
  const sample = bytes.subarray(0, SAMPLE);
  const zeros = [0, 0];
  for (const [at, byte] of sample.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros.map((count) => count / (sample.length / 2));
  if (odd > UTF16_SHARE && even === 0) return 'utf-16le';
  return even > UTF16_SHARE && odd === 0 ? 'utf-16be' : null;
}

function decoded(bytes: Uint8Array, encoding: string, fatal = false): string {
  return new TextDecoder(encoding, { fatal }).decode(bytes).replaceAll(/\r\n?/g, '\n');
}

/** Except tab, line ends, form feed and escape, which texts have. */
function isControl(byte: number): boolean {
  return byte < 9 || byte === 11 || (byte > 13 && byte < 32 && byte !== 27);
}

function binary(name: string, what: string): EngineError {
  return new EngineError('BAD_REQUEST', `${name} ${what}. Attach text, Markdown, code, CSV or PDF.`);
}
