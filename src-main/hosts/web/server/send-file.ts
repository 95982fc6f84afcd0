/** Sends a file, or the requested range of it. */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { mimeType, parseRange } from '../../../services/static-files.ts';
import { Refusal } from './requests.ts';

/** Read at a time, bytes. Node's default of 64 KiB takes 150 reads for the built-in model, which a start waits for. */
const CHUNK_BYTES = 2 ** 20;

export interface SentFile {
  path: string;
  size: number;
  /** `Cache-Control`. */
  caching: string;
}

/** @throws Refusal 416; the system's error when the file cannot be read */
export async function sendFile(
  { path, size, caching }: SentFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('Content-Type', mimeType(path)).setHeader('Cache-Control', caching);
  response.setHeader('Accept-Ranges', 'bytes');
  const range = parseRange(request.headers.range, size);
  if (range.kind === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${size}`);
    throw new Refusal(416, `The file has ${size} bytes.`);
  }
  const { start, end } = range.kind === 'part' ? range : { start: 0, end: size - 1 };
  if (range.kind === 'part') response.setHeader('Content-Range', `bytes ${start}-${end}/${size}`);
  response.writeHead(range.kind === 'part' ? 206 : 200, { 'Content-Length': end - start + 1 });
  if (request.method === 'HEAD' || size === 0) response.end();
  else await pipeline(createReadStream(path, { start, end, highWaterMark: CHUNK_BYTES }), response);
}
