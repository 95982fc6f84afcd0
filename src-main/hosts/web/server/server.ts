/** The app over HTTP on this computer: the page, the model's files and the services behind a token. */
import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { MODELS_ROUTE, TOKEN_HEADER, TOKEN_META } from '../../../protocol/app-bridge.ts';
import type { AppServices } from '../../../protocol/app-services.ts';
import { answerCall } from '../../../services/answer.ts';
import { pageHeaders } from '../../../services/page-headers.ts';
import { fileUnder, mimeType } from '../../../services/static-files.ts';
import { respondWithModel, type FilesOfModel } from './model-route.ts';
import { checkSource, checkToken, readJsonBody, Refusal } from './requests.ts';
import { sendFile } from './send-file.ts';

export interface WebServerOptions {
  services: AppServices;
  /** Built page. */
  rendererDir: string;
  /** One folder per model; served under `/models/`. */
  modelsDir: string;
  /** The CPU kernels; served under `/kernels/`. */
  kernelsDir: string;
  /** The library's models, served to the page's engine. */
  filesOfModel: FilesOfModel;
  /** 0 takes any free port. */
  port: number;
  /** Largest body of a call. Default 64 MiB: a long chat with every token's candidates fits. */
  maxBodyBytes?: number;
}

export interface WebServer {
  port: number;
  url: string;
  /** The per-start token; the page finds it in its own HTML. */
  token: string;
  /** Ends open event streams too. */
  close(): Promise<void>;
}

const ADDRESS = '127.0.0.1';
const KEEP_ALIVE_MS = 15_000;
/** Scripts of the Workers that run the CPU kernels. */
const KERNEL_SCRIPTS = ['/engine.worker.js', '/kernel-thread.js'];

/** @throws the system's error, with `code` EADDRINUSE when the port is taken */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const token = randomBytes(32).toString('base64url');
  const server = createServer((request, response) => void respond(server, request, response, options, token));
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
    token,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function respond(
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
  options: WebServerOptions,
  token: string,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const headers = pageHeaders(null, KERNEL_SCRIPTS.includes(path));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  try {
    const isApi = path === '/api' || path.startsWith('/api/');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    checkSource(request.headers, portOf(server), !isRead);
    if (isApi) await respondToApi(path, request, response, options, token);
    else if (isRead) await respondWithFile(path, request, response, options, token);
    else throw new Refusal(405, 'Only GET and HEAD are answered here.');
  } catch (error) {
    refuse(request, response, error);
  }
}

async function respondToApi(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { services, filesOfModel, maxBodyBytes = 64 * 1024 * 1024 }: WebServerOptions,
  token: string,
): Promise<void> {
  checkToken(request.headers[TOKEN_HEADER], token);
  if (path === '/api/invoke') {
    if (request.method !== 'POST') throw new Refusal(405, 'A call is a POST.');
    const body = await readJsonBody(request, maxBodyBytes);
    if (typeof body !== 'object' || body === null) throw new Refusal(400, 'The body must be { method, params }.');
    const { method, params } = body as { method?: unknown; params?: unknown };
    const answer = await answerCall(services, method, params ?? []);
    sendJson(response, 'error' in answer ? statusOf(answer.error.code) : 200, answer);
  } else if (path.startsWith(`${MODELS_ROUTE}/`)) {
    const list = await respondWithModel(path.slice(MODELS_ROUTE.length + 1), request, response, filesOfModel);
    if (list !== null) sendJson(response, 200, list);
  } else if (path === '/api/events') {
    if (request.method !== 'GET') throw new Refusal(405, 'Events are a GET.');
    streamEvents(services, response);
  } else throw new Refusal(404, 'There is nothing here.');
}

/** Server-sent events: each is one AppEvent as JSON. */
function streamEvents(services: AppServices, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' });
  response.write(': connected\n\n');
  const stop = services.onEvent((event) => response.write(`data: ${JSON.stringify(event)}\n\n`));
  // A comment now and then shows a page whose server is gone that it is.
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
  token: string,
): Promise<void> {
  if (path === '/' || path === '/index.html') {
    const html = withToken(await readFile(join(rendererDir, 'index.html'), 'utf8'), token);
    response.writeHead(200, { 'Content-Type': mimeType('index.html'), 'Cache-Control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : html);
    return;
  }
  if (path === '/favicon.ico') {
    // Browsers ask for it whatever the page says, and report its absence as an error of the page.
    response.writeHead(204).end();
    return;
  }
  const [top = ''] = path.match(/^\/(models|kernels)(?=\/)/) ?? [];
  const folder = { '': rendererDir, '/models': modelsDir, '/kernels': kernelsDir }[top] ?? rendererDir;
  const file = fileUnder(folder, path.slice(top.length));
  const status = file === null ? null : await stat(file).catch(() => null);
  if (file === null || status === null || !status.isFile()) throw new Refusal(404, 'There is nothing here.');
  // Names under assets/ change with their content; everything else is asked for again.
  const caching = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
  await sendFile({ path: file, size: status.size, caching }, request, response);
}

function withToken(html: string, token: string): string {
  if (!html.includes('<head>')) throw new Error('index.html has no <head> for the token.');
  return html.replace('<head>', `<head>\n    <meta name="${TOKEN_META}" content="${token}" />`);
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    // Half an answer cannot be taken back; the other side sees that it is cut off (or is gone itself).
    response.destroy();
    return;
  }
  const [status, code, message] =
    error instanceof Refusal
      ? [error.status, 'BAD_REQUEST', error.message]
      : [500, 'INTERNAL', `The server failed: ${error instanceof Error ? error.message : String(error)}`];
  response.setHeader('Cache-Control', 'no-store');
  // What is left of a body that nobody reads would be taken for the next request.
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
  if (code === 'CHAT_NOT_FOUND') return 404;
  if (code === 'READ_ONLY') return 409;
  return code === 'STORAGE' ? 507 : 500;
}
