/**
 * One attempt to download a file: requests what is missing, writes and hashes it, and moves the complete file into place.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bytesText, grouped } from '../../numbers.ts';
import { freeBytesAt } from '../../system-resources.ts';
import { sha256OfFile } from '../sha256-file.ts';
import { diskFailure, DownloadFailure, networkFailure } from './download-failure.ts';
import { httpGet, partsOf, type Answer, type GetOptions } from './http-get.ts';
import { readAnswer, type Beginning } from './read-answer.ts';
import type { PartFile } from './part-file.ts';

export interface Wanted {
  catalogueId: string;
  url: string;
  /** Null if the catalogue does not say. */
  bytes: number | null;
  sha256: string | null;
}

/** A complete file in place. */
export interface Transferred {
  sha256: string;
  /** False if it already existed, so that no request was sent. */
  isWritten: boolean;
}

export interface TransferOptions extends Omit<GetOptions, 'headers'> {
  /** Time without data after which the server counts as gone, ms. */
  idleMs: number;
  /** Free bytes on the disk of a folder; null if the system does not say. */
  freeBytes?: (folder: string) => Promise<number | null>;
  /** Whether a file with a wrong hash may be downloaded again, because part of it was from before. */
  mayStartOver(): boolean;
  onPhase(phase: 'connecting' | 'downloading' | 'checking'): void;
  /** @param bytes now on disk @param added the latest of them */
  onBytes(bytes: number, added: number): void;
  onTotal(totalBytes: number): void;
}

/** Disk space that stays free, bytes. */
const MARGIN = 64 * 1024 * 1024;
/** Interval of disk space checks if the size is unknown, bytes. */
const CHECK_EVERY_BYTES = 8 * 1024 * 1024;
const USER_AGENT = 'Tokenscope';

interface Fetched {
  /** Of all bytes. */
  hash: Hash;
  bytes: number;
  /** Bytes that existed before the request. */
  kept: number;
}

/**
 * Downloads to `part.target`.
 * @throws DownloadFailure; the signal's reason
 */
export async function transfer(wanted: Wanted, part: PartFile, options: TransferOptions): Promise<Transferred> {
  const folder = dirname(part.target);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw diskFailure(error, folder);
  });
  const ready = await alreadyThere(wanted, part, options);
  if (ready !== null) {
    // Nothing else would delete an earlier part. If that fails, the part only takes disk space.
    await part.remove().catch(() => undefined);
    return { sha256: ready, isWritten: false };
  }
  let fetched = await fetchRest(wanted, part, options);
  options.onPhase('checking');
  let sha256 = fetched.hash.digest('hex');
  if (wanted.sha256 !== null && sha256 !== wanted.sha256 && fetched.kept > 0 && options.mayStartOver()) {
    // It is unknown which bytes are wrong: the earlier ones or the new ones.
    await part.remove();
    fetched = await fetchRest(wanted, part, options);
    sha256 = fetched.hash.digest('hex');
  }
  if (wanted.sha256 !== null && sha256 !== wanted.sha256) {
    await part.remove();
    throw new DownloadFailure(
      'hash',
      `The downloaded file does not match the catalogue: its SHA-256 is ${sha256} instead of ${wanted.sha256}. It was deleted. If you use a mirror, try another one.`,
    );
  }
  await part.finish();
  return { sha256, isWritten: true };
}

/** Checks for an existing file of that name. @returns its SHA-256 if it is the right one, null when there is none */
async function alreadyThere(wanted: Wanted, part: PartFile, options: TransferOptions): Promise<string | null> {
  const found = await stat(part.target).catch(() => null);
  if (found === null) return null;
  options.onPhase('checking');
  if (wanted.sha256 !== null && (wanted.bytes === null || wanted.bytes === found.size)) {
    const sha256 = await sha256OfFile(part.target, undefined, options.signal);
    if (sha256 === wanted.sha256) return sha256;
  }
  throw new DownloadFailure(
    'disk',
    `${part.target} already exists and is a different file. Move it away, or choose another models folder.`,
  );
}

/** Downloads the missing bytes. @throws DownloadFailure cut when the body is too short */
async function fetchRest(wanted: Wanted, part: PartFile, options: TransferOptions): Promise<Fetched> {
  const before = await part.state();
  const known = wanted.bytes ?? before?.totalBytes ?? null;
  const validator = before?.validator ?? null;
  const onDisk = await part.bytes();
  // Bytes that cannot be verified as the file's are useless; they are dropped once better ones arrive.
  const isUsable = (wanted.sha256 !== null || validator !== null) && (known === null || onDisk <= known);
  const have = isUsable ? onDisk : 0;
  if (known !== null) options.onTotal(known);
  options.onBytes(have, 0);
  if (known !== null && have === known) return { hash: await hashOf(part, have, options), bytes: have, kept: have };
  if (known !== null) await requireSpace(dirname(part.target), known - onDisk, options);

  options.onPhase('connecting');
  const headers = { 'user-agent': USER_AGENT, 'accept-encoding': 'identity' };
  // A known hash decides; another mirror or a new date of the same file is no reason to restart.
  const condition = wanted.sha256 === null && validator !== null ? { 'if-range': validator } : {};
  const range = have > 0 ? { range: `bytes=${have}-`, ...condition } : {};
  let answer = await httpGet(wanted.url, { ...options, headers: { ...headers, ...range } });
  if (answer.status === 416 && have > 0) {
    answer.body.destroy();
    answer.logged.end('done', '416: the server cannot resume there.');
    answer = await httpGet(wanted.url, { ...options, headers });
  }
  try {
    const beginning = readAnswer(wanted, have, answer);
    const { from, total } = beginning;
    if (total !== null) options.onTotal(total);
    if (total !== null && known === null) await requireSpace(dirname(part.target), total - onDisk, options);
    const hash = await hashOf(part, from, options);
    options.onPhase('downloading');
    const bytes = await write(answer, part, beginning, hash, options);
    answer.logged.end('done', `${answer.status}, ${bytes - from} bytes.`);
    if (total !== null && bytes < total) {
      throw new DownloadFailure(
        'cut',
        `The connection closed after ${grouped(bytes)} of ${grouped(total)} bytes. Try again to get the rest.`,
      );
    }
    if (bytes === 0) throw new DownloadFailure('cut', 'The server sent an empty file.');
    return { hash, bytes, kept: from };
  } catch (error) {
    const failure = options.signal.aborted ? null : error;
    answer.logged.end('failed', failure instanceof Error ? failure.message : 'Cancelled.');
    throw failure ?? options.signal.reason;
  } finally {
    answer.body.destroy();
  }
}

/** Hash of the first bytes of the part file. */
async function hashOf(part: PartFile, bytes: number, { signal, onPhase }: TransferOptions): Promise<Hash> {
  const hash = createHash('sha256');
  if (bytes === 0) return hash;
  onPhase('checking');
  const stream = createReadStream(part.path, { end: bytes - 1, highWaterMark: 1024 * 1024 });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      hash.update(chunk);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw diskFailure(error, part.path);
  }
  return hash;
}

/** Appends the body to the part file. @returns its new size */
async function write(
  answer: Answer,
  part: PartFile,
  { from, total, state, check }: Beginning,
  hash: Hash,
  options: TransferOptions,
): Promise<number> {
  const { signal, idleMs, onBytes } = options;
  const { host } = new URL(answer.url);
  // The earlier bytes are kept until the first new ones arrive.
  let file: FileHandle | null = null;
  let bytes = from;
  let nextLook = from;
  const refuse = async (failure: unknown): Promise<never> => {
    const written = file;
    file = null;
    await written?.close();
    if (written !== null) await part.cutTo(from);
    throw failure;
  };
  try {
    for await (const chunk of partsOf(answer, signal, idleMs)) {
      if (file === null) check(chunk);
      if (total !== null && bytes + chunk.length > total) {
        const what = `${host} sent more than the file’s ${bytesText(total)}. The partial download was deleted. If you use a mirror, try another one.`;
        await refuse(new DownloadFailure('hash', what));
      }
      if (total === null && bytes >= nextLook) {
        nextLook = bytes + CHECK_EVERY_BYTES;
        await requireSpace(dirname(part.target), null, options).catch(refuse);
      }
      file ??= await part.begin(from, state);
      await file.appendFile(chunk).catch((error: unknown) => {
        throw diskFailure(error, part.path);
      });
      hash.update(chunk);
      bytes += chunk.length;
      answer.logged.received(chunk.length);
      onBytes(bytes, chunk.length);
    }
    signal.throwIfAborted();
    await file?.sync().catch((error: unknown) => {
      throw diskFailure(error, part.path);
    });
    return bytes;
  } catch (error) {
    throw networkFailure(error, host, true);
  } finally {
    await file?.close();
  }
}

/** @param needed number of missing bytes; null if unknown */
async function requireSpace(
  folder: string,
  needed: number | null,
  { freeBytes = freeBytesAt }: TransferOptions,
): Promise<void> {
  const free = await freeBytes(folder);
  if (free === null || free >= (needed ?? CHECK_EVERY_BYTES) + MARGIN) return;
  const rest = 'Free some space, or choose another models folder.';
  throw new DownloadFailure(
    'disk',
    needed === null
      ? `${folder} has only ${bytesText(free)} free, and the server does not report the file’s size. What this attempt downloaded was deleted. ${rest}`
      : `${folder} has only ${bytesText(free)} free. The download needs another ${bytesText(needed)}, and ${bytesText(MARGIN)} must stay free. ${rest}`,
  );
}
