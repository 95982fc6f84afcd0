/** A hub on 127.0.0.1 that serves files and misbehaves on request. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRange } from '../../src-main/services/static-files.ts';
import { SELF_SIGNED_CERTIFICATE, SELF_SIGNED_KEY } from './self-signed.ts';

/** How the server treats a file; after `times` requests it behaves normally again, without it never. */
export type Behaviour = { times?: number } &
  /** Closes the connection after so many bytes of the body. */
  (
    | { kind: 'cut'; afterBytes: number }
    | { kind: 'status'; status: number }
    /** Sends `chunkBytes`, waits, sends more. */
    | { kind: 'slow'; chunkBytes: number; waitMs: number }
    /** Accepts the request and never responds. */
    | { kind: 'hang' }
    /** Responds, sends so many bytes, and then nothing. */
    | { kind: 'stall'; afterBytes: number }
    | { kind: 'redirect'; to: string }
    /** A different file of the right length. */
    | { kind: 'otherBytes' }
    /** Claims a size that is larger than what it sends. */
    | { kind: 'claims'; bytes: number }
    /** Supports neither ranges nor validators. */
    | { kind: 'noRanges' }
    /** Responds 200 with a web page to any request; `length`: with its length. */
    | { kind: 'page'; length: boolean }
    /** Does not send the file's length, and supports no ranges. */
    | { kind: 'noLength' }
    /** The same without an end: repeats the file. For a range it sends the rest first. */
    | { kind: 'endless' }
    /** The right file with another validator, like that of a mirror or a new copy at the hub. */
    | { kind: 'otherEtag'; etag: string }
    /** Refuses every range. */
    | { kind: 'unsatisfiable' }
  );

export interface ServedRequest {
  path: string;
  range: string | null;
  ifRange: string | null;
}

export interface DownloadServer {
  /** Without a trailing slash. */
  url: string;
  requests: ServedRequest[];
  /** Serves a file from now on. */
  serve(path: string, bytes: Uint8Array): void;
  /** Applied in order, each as often as it says; without any, the server behaves normally. */
  behave(path: string, ...behaviours: Behaviour[]): void;
  /** Behaves normally again and clears the recorded requests. */
  reset(): void;
  close(): Promise<void>;
}

const CHUNK = 16 * 1024;

/** @param options.tls serves https with a self-signed certificate */
export async function startDownloadServer(options: { tls?: boolean } = {}): Promise<DownloadServer> {
  const files = new Map<string, Uint8Array>();
  const behaviours = new Map<string, { behaviour: Behaviour; left: number }[]>();
  const requests: ServedRequest[] = [];
  const listener: RequestListener = (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    requests.push({ path, range: request.headers.range ?? null, ifRange: header(request, 'if-range') });
    const bytes = files.get(path);
    const present = behaviours.get(path)?.find(({ left }) => left > 0);
    if (present !== undefined) present.left--;
    void answer(request, response, bytes, present?.behaviour ?? null).catch(() => response.destroy());
  };
  const server = options.tls
    ? createTlsServer({ cert: SELF_SIGNED_CERTIFICATE, key: SELF_SIGNED_KEY }, listener)
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    serve: (path, bytes) => void files.set(path, bytes),
    behave(path, ...several) {
      behaviours.set(
        path,
        several.map((behaviour) => ({ behaviour, left: behaviour.times ?? Infinity })),
      );
    },
    reset() {
      behaviours.clear();
      requests.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Path of a file of a repository at a hub. */
export function hubPath(repository: string, revision: string, file: string): string {
  return `/${repository}/resolve/${revision}/${file}`;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  file: Uint8Array | undefined,
  behaviour: Behaviour | null,
): Promise<void> {
  if (behaviour?.kind === 'hang') return;
  if (behaviour?.kind === 'status') return void response.writeHead(behaviour.status).end('no');
  if (behaviour?.kind === 'redirect') return void response.writeHead(302, { location: behaviour.to }).end();
  if (behaviour?.kind === 'page') return void sendPage(response, behaviour.length);
  if (behaviour?.kind === 'unsatisfiable' && request.headers.range !== undefined) {
    return void response.writeHead(416).end();
  }
  if (file === undefined) return void response.writeHead(404).end('nothing here');
  const bytes = behaviour?.kind === 'otherBytes' ? file.map((byte) => byte ^ 0xff) : file;
  const etag =
    behaviour?.kind === 'otherEtag' ? behaviour.etag : `"${createHash('sha256').update(bytes).digest('hex')}"`;
  const ranged = behaviour?.kind !== 'noRanges' && behaviour?.kind !== 'noLength';
  const hasLength = behaviour?.kind !== 'noLength' && behaviour?.kind !== 'endless';
  const ifRange = header(request, 'if-range');
  const wanted = ranged && (ifRange === null || ifRange === etag) ? request.headers.range : undefined;
  const range = parseRange(wanted, bytes.length);
  if (range.kind === 'unsatisfiable') {
    return void response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
  }
  const { start, end } = range.kind === 'part' ? range : { start: 0, end: bytes.length - 1 };
  response.writeHead(range.kind === 'part' ? 206 : 200, {
    ...(hasLength ? { 'content-length': behaviour?.kind === 'claims' ? behaviour.bytes : end - start + 1 } : {}),
    'content-type': 'application/octet-stream',
    ...(ranged ? { etag, 'accept-ranges': 'bytes' } : {}),
    ...(range.kind === 'part' ? { 'content-range': `bytes ${start}-${end}/${bytes.length}` } : {}),
  });
  response.flushHeaders();
  await send(response, bytes.subarray(start, end + 1), behaviour);
}

function sendPage(response: ServerResponse, length: boolean): void {
  const page = `<!doctype html><title>Log in</title>${'<p>Please log in.</p>'.repeat(20)}`;
  response.writeHead(200, { 'content-type': 'text/html', ...(length ? { 'content-length': page.length } : {}) });
  response.end(page);
}

async function send(response: ServerResponse, bytes: Uint8Array, behaviour: Behaviour | null): Promise<void> {
  const until = behaviour?.kind === 'cut' || behaviour?.kind === 'stall' ? behaviour.afterBytes : bytes.length;
  const chunk = behaviour?.kind === 'slow' ? behaviour.chunkBytes : CHUNK;
  for (let at = 0; at < Math.min(until, bytes.length) && !response.destroyed; at += chunk) {
    const part = bytes.subarray(at, Math.min(at + chunk, until));
    if (!response.write(part)) await drained(response);
    if (behaviour?.kind === 'slow') await sleep(behaviour.waitMs);
  }
  if (behaviour?.kind === 'endless' && !response.destroyed) return await send(response, bytes, behaviour);
  if (behaviour?.kind === 'stall') return;
  if (behaviour?.kind === 'cut' && until < bytes.length) {
    // A client that has not read what was sent loses it with the connection.
    await sleep(200);
    response.destroy();
  } else response.end();
}

/** Resolves when there is space again, or no reader any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

function header(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}
