/** One try to get a file: asks for what is missing, writes and hashes what comes, and puts the whole file in its place. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { freeBytesAt } from '../disk-space.ts';
import { sha256OfFile } from '../sha256-file.ts';
import { diskFailure, DownloadFailure, httpFailure, networkFailure } from './download-failure.ts';
import { httpGet, type Answer, type GetOptions } from './http-get.ts';
import type { PartFile, PartState } from './part-file.ts';

export interface Wanted {
  catalogueId: string;
  url: string;
  /** Null where the catalogue does not know. */
  bytes: number | null;
  sha256: string | null;
}

export interface TransferOptions extends Omit<GetOptions, 'headers'> {
  /** How long nothing may come before the server counts as gone, ms. */
  idleMs: number;
  /** Free bytes on the disk of a folder; null where the system does not say. */
  freeBytes?: (folder: string) => Promise<number | null>;
  onPhase(phase: 'connecting' | 'downloading' | 'checking'): void;
  /** @param bytes on the disk now @param added of these the last */
  onBytes(bytes: number, added: number): void;
  onTotal(totalBytes: number): void;
}

/** Room that is left free on the disk, bytes. */
const MARGIN = 64 * 1024 * 1024;
const USER_AGENT = 'Tokenscope';

/**
 * @returns the SHA-256 of the whole file, which then lies at `part.target`
 * @throws DownloadFailure; the signal's reason
 */
export async function transfer(wanted: Wanted, part: PartFile, options: TransferOptions): Promise<string> {
  const folder = dirname(part.target);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw diskFailure(error, folder);
  });
  const ready = await alreadyThere(wanted, part, options);
  if (ready !== null) return ready;
  const { hash, bytes } = await fetchRest(wanted, part, options);
  options.onPhase('checking');
  const total = wanted.bytes ?? (await part.state())?.totalBytes ?? bytes;
  if (bytes < total) {
    throw new DownloadFailure('cut', `The connection ended after ${bytes} of ${total} bytes. What came is kept.`);
  }
  const found = hash.digest('hex');
  if (bytes > total || (wanted.sha256 !== null && found !== wanted.sha256)) {
    await part.remove();
    throw new DownloadFailure(
      'hash',
      bytes > total
        ? `More came than belongs to the file: ${bytes} instead of ${total} bytes. It was thrown away.`
        : `The file that came is another one than the catalogue’s: its SHA-256 is ${found} instead of ${String(wanted.sha256)}. It was thrown away. If it was a mirror, take another one.`,
    );
  }
  await part.finish();
  return found;
}

/** A file of that name may be there from before. @returns its SHA-256 if it is the wanted one, null when there is none */
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
    `${part.target} is there already, and it is not this model’s file. Move it away, or choose another folder for models.`,
  );
}

/** Gets what is missing. @returns the hash of all bytes and how many there are */
async function fetchRest(
  wanted: Wanted,
  part: PartFile,
  options: TransferOptions,
): Promise<{ hash: Hash; bytes: number }> {
  let have = await part.bytes();
  const before = await part.state();
  const validator = before?.validator ?? null;
  // Bytes of which nobody can say that they belong to the file are worth nothing.
  if (have > 0 && validator === null && wanted.sha256 === null) {
    await part.empty();
    have = 0;
  }
  const known = wanted.bytes ?? before?.totalBytes ?? null;
  if (known !== null) options.onTotal(known);
  options.onBytes(have, 0);
  if (known !== null && have === known) return { hash: await hashOf(part, have, options), bytes: have };
  if (known !== null) await requireRoom(dirname(part.target), known - have, options);

  options.onPhase('connecting');
  const headers: Record<string, string> = { 'user-agent': USER_AGENT, 'accept-encoding': 'identity' };
  if (have > 0) {
    headers.range = `bytes=${have}-`;
    if (validator !== null) headers['if-range'] = validator;
  }
  const answer = await httpGet(wanted.url, { ...options, headers });
  try {
    const { from, total } = await begin(wanted, part, have, answer);
    if (total !== null) options.onTotal(total);
    if (total !== null && known === null) await requireRoom(dirname(part.target), total - from, options);
    const hash = await hashOf(part, from, options);
    options.onPhase('downloading');
    const bytes = await write(answer, part, from, hash, options);
    answer.logged.end('done', `${answer.status}, ${bytes - from} bytes.`);
    return { hash, bytes };
  } catch (error) {
    const failure = options.signal.aborted ? null : error;
    answer.logged.end('failed', failure instanceof Error ? failure.message : 'It was stopped.');
    throw failure ?? options.signal.reason;
  } finally {
    answer.body.destroy();
  }
}

/** Reads what kind of answer it is, and records what the bytes will be. @returns at which byte the body begins */
async function begin(
  wanted: Wanted,
  part: PartFile,
  have: number,
  { status, headers, url }: Answer,
): Promise<{ from: number; total: number | null }> {
  if (status === 416 && have > 0) {
    await part.empty();
    throw new DownloadFailure('cut', 'What was there does not fit the server’s file. It begins anew.');
  }
  if (status !== 200 && status !== 206) throw httpFailure(status, url);
  const length = headers['content-length'] === undefined ? null : Number(headers['content-length']);
  let from = 0;
  let total = length;
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers['content-range'] ?? '');
    if (range === null || Number(range[1]) !== have) {
      throw new DownloadFailure('http', `${new URL(url).host} sent another part than was asked for.`, status);
    }
    from = have;
    total = Number(range[2]);
  } else await part.empty();
  if (wanted.bytes !== null && total !== null && total !== wanted.bytes) {
    throw new DownloadFailure(
      'hash',
      `${new URL(url).host} has a file of ${total} bytes, the catalogue’s has ${wanted.bytes}: it is another one. Nothing was taken.`,
    );
  }
  const state: PartState = {
    version: 1,
    catalogueId: wanted.catalogueId,
    validator: validatorOf(headers),
    totalBytes: total,
  };
  await part.saveState(state).catch((error: unknown) => {
    throw diskFailure(error, part.path);
  });
  return { from, total };
}

/** A strong ETag, or a date, for `If-Range` (RFC 9110, 13.1.5). */
function validatorOf({ etag, 'last-modified': date }: Answer['headers']): string | null {
  if (etag !== undefined && etag.startsWith('"')) return etag.slice(0, 1000);
  return date === undefined ? null : date.slice(0, 1000);
}

/** The hash of the first bytes of what is there. */
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

/** Writes the body behind what is there. @returns how many bytes there are then */
async function write(
  { body, url, logged }: Answer,
  part: PartFile,
  from: number,
  hash: Hash,
  { signal, idleMs, onBytes }: TransferOptions,
): Promise<number> {
  const { host } = new URL(url);
  const file = await part.append();
  let bytes = from;
  const stop = (): void => void body.destroy(new Error('stopped'));
  signal.addEventListener('abort', stop, { once: true });
  const idle = setTimeout(() => {
    body.destroy(new DownloadFailure('timeout', `${host} sent nothing for ${idleMs / 1000} seconds.`));
  }, idleMs);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      idle.refresh();
      await file.appendFile(chunk).catch((error: unknown) => {
        throw diskFailure(error, part.path);
      });
      hash.update(chunk);
      bytes += chunk.length;
      logged.received(chunk.length);
      onBytes(bytes, chunk.length);
    }
    signal.throwIfAborted();
    await file.sync().catch((error: unknown) => {
      throw diskFailure(error, part.path);
    });
    return bytes;
  } catch (error) {
    throw networkFailure(error, host, true);
  } finally {
    clearTimeout(idle);
    signal.removeEventListener('abort', stop);
    await file.close();
  }
}

async function requireRoom(
  folder: string,
  needed: number,
  { freeBytes = freeBytesAt }: TransferOptions,
): Promise<void> {
  const free = await freeBytes(folder);
  if (free === null || free >= needed + MARGIN) return;
  throw new DownloadFailure(
    'disk',
    `${folder} has ${free} bytes free; ${needed} are still to come, and ${MARGIN} are left free for everything else. Free some space, or choose another folder for models.`,
  );
}
