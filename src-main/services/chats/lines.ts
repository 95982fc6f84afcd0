/**
 * Lines of a journal: CRC-32 of the rest in eight hexadecimal digits, a space, JSON. A line that does not match its
 * checksum is damaged, which does not affect other lines.
 */
import { crc32 } from 'node:zlib';

const NEWLINE = 0x0a;
const CHECKSUM_CHARS = 8;
/** Terminates the rest of an interrupted write. It was never acknowledged, so it is not damage. */
export const LINE_BREAK_AFTER_TORN = Buffer.from(' ~\n');

function isTorn(line: Buffer): boolean {
  return line.length >= 2 && line[line.length - 1] === 0x7e && line[line.length - 2] === 0x20;
}

export function encodeLine(value: unknown): Buffer {
  return checksummed(Buffer.from(JSON.stringify(value)));
}

/** @param payload without line breaks */
export function checksummed(payload: Buffer): Buffer {
  const checksum = crc32(payload).toString(16).padStart(CHECKSUM_CHARS, '0');
  return Buffer.concat([Buffer.from(`${checksum} `), payload, Buffer.from('\n')]);
}

/** The checksum that a line begins with. */
export function storedChecksum(line: Buffer): string {
  return line.toString('latin1', 0, CHECKSUM_CHARS);
}

/** @returns the bytes after the checksum; null when they do not match it */
export function payloadOf(line: Buffer): Buffer | null {
  if (line.length < CHECKSUM_CHARS + 1 || line[CHECKSUM_CHARS] !== 0x20) return null;
  const payload = line.subarray(CHECKSUM_CHARS + 1);
  return Number(`0x${storedChecksum(line)}`) === crc32(payload) ? payload : null;
}

export type Line =
  | { kind: 'read'; value: unknown; start: number; end: number }
  | { kind: 'damaged'; bytes: Buffer; start: number; end: number }
  /** Empty, or the rest of an interrupted write. Ignored. */
  | { kind: 'torn'; start: number; end: number };

/** The complete lines of `bytes`. What follows the last line break is left for later, because it may be incomplete. */
export function* linesOf(bytes: Buffer): Generator<Line> {
  for (let start = 0; ;) {
    const newline = bytes.indexOf(NEWLINE, start);
    if (newline < 0) return;
    const end = newline + 1;
    yield { ...decode(bytes.subarray(start, newline)), start, end };
    start = end;
  }
}

function decode(line: Buffer) {
  if (line.length === 0 || isTorn(line)) return { kind: 'torn' } as const;
  const payload = payloadOf(line);
  if (payload === null) return { kind: 'damaged', bytes: line } as const;
  try {
    return { kind: 'read', value: JSON.parse(payload.toString('utf8')) as unknown } as const;
  } catch {
    return { kind: 'damaged', bytes: line } as const;
  }
}
