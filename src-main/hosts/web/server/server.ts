/** The app over HTTP on this computer: the page and the built-in model are public, everything else requires a key. */
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEY_ROUTE, MODELS_ROUTE, PROOF_ROUTE, TOKEN_HEADER } from '../../../protocol/app/app-bridge.ts';
import type { AppEvent, AppServices } from '../../../protocol/app/app-services.ts';
import { hostProof } from '../../../protocol/app/known-host.ts';
import { answerCall } from '../../../services/answer.ts';
import { pageHeaders } from '../../../services/page-headers.ts';
import { fileUnder, mimeType } from '../../../services/static-files.ts';
import { respondWithModel, type FilesOfModel } from './model-route.ts';
import { checkKey, checkSource, readJsonBody, Refusal } from './requests.ts';
import { sendFile } from './send-file.ts';
import { Invitations, newKey } from './web-key.ts';

export interface WebServerOptions {
  services: AppServices;
  /** The secret for every call of a page. */
  key: string;
  /** A code was presented twice, so another program may have the key. From now on only this one is valid. */
  onNewKey?: (key: string) => void;
  /** Folder of the built page. */
  rendererDir: string;
  /** One folder per model; served under `/models/`. */
  modelsDir: string;
  /** The CPU kernels; served under `/kernels/`. */
  kernelsDir: string;
  /** The library's models, served to the page's engine. */
  filesOfModel: FilesOfModel;
  /** 0 for any free port. */
  port: number;
  /** Maximum body of a call. Default 64 MiB: enough for a long chat with every token's candidates. */
  maxBodyBytes?: number;
}

export interface WebServer {
  port: number;
  /** Without the key. */
  url: string;
  /** A code for one page that opens within a minute and then receives the key. */
  invite(): string;
  /**
   * Notifies the pages of the shutdown, waits for them to save, at most `limitMs`, and closes. Also ends open event
   * streams.
   */
  close(limitMs?: number): Promise<void>;
}

const ADDRESS = '127.0.0.1';
/** Maximum body of a request for the key or a proof. */
const MAX_CODE_BYTES = 1024;
const KEEP_ALIVE_MS = 15_000;
/** A page that leaves more than this unread is disconnected, bytes. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** Longest wait for pages to save before shutdown, ms. */
const LEAVE_MS = 2000;
/** Pages without requests for this long have saved everything, ms. */
const QUIET_MS = 200;
/** Scripts of the Workers that run the CPU kernels. */
const KERNEL_SCRIPTS = ['/engine.worker.js', '/kernel-thread.js'];

/** @throws the system's error, with `code` EADDRINUSE when the port is taken */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const pages = new Pages(options.services, options.key);
  const server = createServer((request, response) => void respond(server, request, response, options, pages));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, ADDRESS, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const port = portOf(server);
  return {
    port,
    url: `http://${ADDRESS}:${port}`,
    invite: () => pages.invitations.invite(),
    async close(limitMs = LEAVE_MS) {
      await pages.leave(limitMs);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** The listening pages and their requests. */
class Pages {
  readonly invitations = new Invitations();
  readonly #services: AppServices;
  #key: string;
  /** With what disconnects each. */
  readonly #listeners = new Map<(event: AppEvent) => void, () => void>();
  #calls = 0;
  #lastCall = 0;

  constructor(services: AppServices, key: string) {
    this.#services = services;
    this.#key = key;
  }

  /** For every call. */
  get key(): string {
    return this.#key;
  }

  /** Disconnects and refuses all pages, which have the old key. */
  replaceKey(): string {
    this.#key = newKey();
    for (const disconnect of [...this.#listeners.values()]) disconnect();
    return this.#key;
  }

  /** @returns stops listening */
  listen(listener: (event: AppEvent) => void, disconnect: () => void): () => void {
    this.#listeners.set(listener, disconnect);
    const stop = this.#services.onEvent(listener);
    return () => {
      this.#listeners.delete(listener);
      stop();
    };
  }

  /** Executes a page's request. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    this.#calls++;
    try {
      return await work();
    } finally {
      this.#calls--;
      this.#lastCall = performance.now();
    }
  }

  /** Asks every page to save, and waits until there are no more requests. */
  async leave(limitMs: number): Promise<void> {
    if (this.#listeners.size === 0) return;
    const message = 'Tokenscope is shutting down.';
    for (const listener of [...this.#listeners.keys()]) listener({ type: 'host', state: 'leaving', message });
    const begin = performance.now();
    this.#lastCall = begin;
    while (performance.now() - begin < limitMs) {
      if (this.#calls === 0 && performance.now() - this.#lastCall >= QUIET_MS) return;
      await sleep(20);
    }
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function respond(
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
  options: WebServerOptions,
  pages: Pages,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const headers = pageHeaders(null, KERNEL_SCRIPTS.includes(path));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  try {
    const isApi = path === '/api' || path.startsWith('/api/');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    checkSource(request.headers, portOf(server), !isRead);
    if (isApi) await respondToApi(path, request, response, options, pages);
    else if (isRead) await respondWithFile(path, request, response, options);
    else throw new Refusal(405, 'Only GET and HEAD are allowed here.');
  } catch (error) {
    refuse(request, response, error);
  }
}

async function respondToApi(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { services, onNewKey, filesOfModel, maxBodyBytes = 64 * 1024 * 1024 }: WebServerOptions,
  pages: Pages,
): Promise<void> {
  if (path === KEY_ROUTE && request.method === 'POST') {
    const body = await readJsonBody(request, MAX_CODE_BYTES);
    const { code } = (body ?? {}) as { code?: unknown };
    if (!pages.invitations.take(code)) {
      // The first page may not have been the one that the code was for.
      if (pages.invitations.wasTaken(code)) onNewKey?.(pages.replaceKey());
      throw new Refusal(
        401,
        'This address was already used or has expired. Run "npm start -- --address" for a new one.',
      );
    }
    sendJson(response, 200, { result: pages.key });
    return;
  }
  if (path === PROOF_ROUTE && request.method === 'POST') {
    const body = await readJsonBody(request, MAX_CODE_BYTES);
    const { nonce } = (body ?? {}) as { nonce?: unknown };
    if (typeof nonce !== 'string') throw new Refusal(400, 'The body must be { nonce }.');
    // The origin is one of this server's own: see `checkSource`.
    sendJson(response, 200, { result: hostProof(pages.key, request.headers.origin ?? '', nonce) });
    return;
  }
  checkKey(request.headers[TOKEN_HEADER], pages.key);
  if (path === '/api/invoke') {
    if (request.method !== 'POST') throw new Refusal(405, 'Use POST for calls.');
    const answer = await pages.call(async () => {
      const body = await readJsonBody(request, maxBodyBytes);
      if (typeof body !== 'object' || body === null) throw new Refusal(400, 'The body must be { method, params }.');
      const { method, params } = body as { method?: unknown; params?: unknown };
      return await answerCall(services, method, params ?? []);
    });
    sendJson(response, 'error' in answer ? statusOf(answer.error.code) : 200, answer);
  } else if (path.startsWith(`${MODELS_ROUTE}/`)) {
    const list = await respondWithModel(path.slice(MODELS_ROUTE.length + 1), request, response, filesOfModel);
    if (list !== null) sendJson(response, 200, list);
  } else if (path === '/api/events') {
    if (request.method !== 'GET') throw new Refusal(405, 'Use GET for events.');
    streamEvents(pages, response);
  } else throw new Refusal(404, 'Not found.');
}

/** Server-sent events: each is one AppEvent as JSON. */
function streamEvents(pages: Pages, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' });
  response.write(': connected\n\n');
  const disconnect = () => void response.destroy();
  const stop = pages.listen((event) => {
    // The page connects again, and then reads everything again.
    if (response.writableLength > MAX_UNREAD_BYTES) disconnect();
    else response.write(`data: ${JSON.stringify(event)}\n\n`);
  }, disconnect);
  // Regular comments let a page notice that its server is gone.
  const timer = setInterval(() => response.write(': alive\n\n'), KEEP_ALIVE_MS);
  response.on('close', () => {
    clearInterval(timer);
    stop();
  });
}

async function respondWithFile(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { rendererDir, modelsDir, kernelsDir }: WebServerOptions,
): Promise<void> {
  if (path === '/favicon.ico') {
    // Browsers always request it, and report its absence as an error of the page.
    response.writeHead(204).end();
    return;
  }
  const isPage = path === '/' || path === '/index.html';
  const [top = ''] = path.match(/^\/(models|kernels)(?=\/)/) ?? [];
  const folder = { '': rendererDir, '/models': modelsDir, '/kernels': kernelsDir }[top] ?? rendererDir;
  const file = fileUnder(folder, isPage ? '/index.html' : path.slice(top.length));
  const status = file === null ? null : await stat(file).catch(() => null);
  if (file === null || status === null || !status.isFile()) throw new Refusal(404, 'Not found.');
  // Names under assets/ change with their content; everything else must be revalidated.
  const kept = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
  const caching = isPage ? 'no-store' : kept;
  await sendFile({ path: file, size: status.size, caching }, request, response);
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    // A partial response cannot be undone; the client notices that it is truncated (or is gone itself).
    response.destroy();
    return;
  }
  const [status, code, message] =
    error instanceof Refusal
      ? [error.status, 'BAD_REQUEST', error.message]
      : [500, 'INTERNAL', `Server error: ${error instanceof Error ? error.message : String(error)}`];
  response.setHeader('Cache-Control', 'no-store');
  // The rest of an unread body would be taken for the next request.
  if (!request.complete) response.setHeader('Connection', 'close');
  sendJson(response, status, { error: { code, message, details: {} } });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': mimeType('.json'),
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text);
}

function statusOf(code: string): number {
  if (code === 'BAD_REQUEST') return 400;
  if (code === 'CHAT_NOT_FOUND' || code === 'COMPARISON_NOT_FOUND') return 404;
  if (code === 'READ_ONLY') return 409;
  return code === 'STORAGE' ? 507 : 500;
}
