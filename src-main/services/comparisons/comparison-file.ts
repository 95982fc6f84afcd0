/**
 * The file of a run of Compare: two lines with checksums. The first has what lists show, so that they do not read texts
 * and tokens; the second is the run.
 */
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import * as v from 'valibot';
import { EngineError } from '../../engine/api/errors.ts';
import { comparisonSummary, storedComparison } from '../../protocol/app/comparisons/comparison-schemas.ts';
import type { ComparisonSummary, StoredComparison } from '../../protocol/app/comparisons/comparison.ts';
import { summaryOf } from '../../protocol/app/comparisons/summary.ts';
import { rounded } from '../chats/journal-format.ts';
import { encodeLine, linesOf, type Line } from '../chats/lines.ts';
import { codeOf } from '../json-file.ts';

const FORMAT = 'tokenscope-comparison';
const VERSION = 1;

/** Largest file, as large as the largest call of the web host. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Enough for the first line of most files. */
const FIRST_READ = 16 * 1024;
const NEWLINE = 0x0a;

export type HeaderRead =
  | { state: 'missing' }
  /** Must be left alone; `message` says why. */
  | { state: 'unusable'; message: string }
  /** `origin`: the page that wrote it. */
  | { state: 'read'; summary: ComparisonSummary; origin: string };

/** @throws EngineError STORAGE if it is too large */
export function encodeComparison(comparison: StoredComparison, origin: string, path: string): Buffer {
  const lanes = comparison.lanes.map(({ settings, replies }) => ({
    settings,
    replies: replies.map((reply) => ({ ...reply, tokens: rounded(reply.tokens) })),
  }));
  const bytes = Buffer.concat([
    encodeLine({ format: FORMAT, version: VERSION, origin, summary: summaryOf(comparison) }),
    encodeLine({ ...comparison, lanes }),
  ]);
  if (bytes.length > MAX_BYTES) {
    const why = `it has ${megabytes(bytes.length)}, and the limit is ${megabytes(MAX_BYTES)}`;
    throw new EngineError('STORAGE', `The run was not saved: ${why}. Use fewer samples or shorter replies.`, { path });
  }
  return bytes;
}

/** Reads the first line only. @throws the system's error */
export async function readHeader(path: string): Promise<HeaderRead> {
  const file = await open(path, 'r').catch(nullIfMissing);
  if (file === null) return { state: 'missing' };
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) return { state: 'unusable', message: tooLarge(path, size).message };
    const [line] = linesOf(await firstLine(file));
    return headerOf(line, path);
  } finally {
    await file.close();
  }
}

/** @returns null if there is no such file @throws EngineError STORAGE when it must be left alone, or the system's error */
export async function readComparison(path: string): Promise<StoredComparison | null> {
  const status = await stat(path).catch(nullIfMissing);
  if (status === null) return null;
  if (status.size > MAX_BYTES) throw tooLarge(path, status.size);
  const bytes = await readFile(path).catch(nullIfMissing);
  if (bytes === null) return null;
  const [first, second] = linesOf(bytes);
  const header = headerOf(first, path);
  if (header.state === 'unusable') throw new EngineError('STORAGE', header.message, { path });
  if (second?.kind !== 'read') throw leftAlone(path, 'is damaged: its second line does not match its checksum');
  const parsed = v.safeParse(storedComparison, second.value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const field = v.getDotPath(parsed.issues[0]) ?? '';
  throw leftAlone(path, `has an invalid value${field === '' ? '' : ` in ${field}`}`);
}

function headerOf(line: Line | undefined, path: string): Exclude<HeaderRead, { state: 'missing' }> {
  const damaged = (why: string) =>
    ({ state: 'unusable', message: leftAlone(path, `is damaged: ${why}`).message }) as const;
  if (line?.kind !== 'read') return damaged('its first line does not match its checksum');
  const value = line.value as { format?: unknown; version?: unknown; origin?: unknown; summary?: unknown } | null;
  if (value?.format !== FORMAT || typeof value.version !== 'number') return damaged('it is not a run of Compare');
  if (value.version > VERSION) {
    const what = `The run in ${path} was written by a newer version of Tokenscope.`;
    return { state: 'unusable', message: `${what} Update Tokenscope to open it.` };
  }
  const summary = v.safeParse(comparisonSummary, value.summary);
  if (!summary.success) return damaged('its first line is invalid');
  return { state: 'read', summary: summary.output, origin: String(value.origin) };
}

/** With the line break, if there is one. */
async function firstLine(file: FileHandle): Promise<Buffer> {
  let read = Buffer.alloc(0);
  for (let size = FIRST_READ; ; size = read.length) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, read.length);
    read = Buffer.concat([read, buffer.subarray(0, bytesRead)]);
    const end = read.indexOf(NEWLINE);
    if (end >= 0) return read.subarray(0, end + 1);
    if (bytesRead < size) return read;
  }
}

function nullIfMissing(error: unknown): null {
  // `ENOTDIR`: a file has the path of its folder.
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
  throw error;
}

function tooLarge(path: string, bytes: number): EngineError {
  return leftAlone(path, `has ${megabytes(bytes)}; the limit is ${megabytes(MAX_BYTES)}`);
}

/** @param what ends without a full stop */
function leftAlone(path: string, what: string): EngineError {
  return new EngineError('STORAGE', `The run in ${path} ${what}. The file was not changed.`, { path });
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)}\u00a0MB`;
}
