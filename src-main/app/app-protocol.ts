/** `app://tokenscope/`: the page's own scheme, a secure origin with response headers, unlike file://. */
import { net, protocol, type Protocol } from 'electron';
import { readFile } from 'node:fs/promises';
import { codeOf } from '../services/json-file.ts';
import { pageHeaders } from '../services/page-headers.ts';
import { fileUnder, mimeType } from '../services/static-files.ts';

const APP_SCHEME = 'app';
export const APP_ORIGIN = 'app://tokenscope';
export const APP_PAGE = `${APP_ORIGIN}/index.html`;

/** Must run before the app is ready. */
export function registerAppScheme(): void {
  const privileges = { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true };
  protocol.registerSchemesAsPrivileged([{ scheme: APP_SCHEME, privileges }]);
}

export interface AppSchemeOptions {
  /** Built page. */
  rendererDir: string;
  /** Origin of the development server that serves the files instead; null in a build. */
  devServer: string | null;
  /** Protocols of a session, by default of the windows'. */
  own?: Protocol;
  /** Resolves when the page's calls can be answered: its scripts wait for it, what it draws first does not. */
  ready?: Promise<void>;
}

export function serveAppScheme({ rendererDir, devServer, own = protocol, ready }: AppSchemeOptions): void {
  own.handle(APP_SCHEME, async (request) => {
    const headers = pageHeaders(devServer);
    const resource = appResource(request.url, request.method);
    if (typeof resource === 'number') return refusal(resource, headers);
    if (!isShownFirst(resource)) await ready;
    if (devServer !== null) return await fromDevServer(devServer, request, headers);
    const file = fileUnder(rendererDir, resource);
    return file === null ? refusal(404, headers) : await fromFile(file, headers);
  });
}

/** @returns the path to serve, with `/` for the page; or the HTTP status of a refusal */
export function appResource(url: string, method: string): string | number {
  if (method !== 'GET' && method !== 'HEAD') return 405;
  if (!URL.canParse(url)) return 404;
  const { protocol: scheme, host, pathname, username, password } = new URL(url);
  if (scheme !== `${APP_SCHEME}:` || host !== 'tokenscope' || username !== '' || password !== '') return 404;
  return pathname === '/' || pathname === '' ? '/index.html' : pathname;
}

/**
 * The document, its styles, and the font that Chromium waits for before it draws.
 * @param resource path to serve
 */
export function isShownFirst(resource: string): boolean {
  return /\.(html|css|woff2)$/.test(resource);
}

async function fromFile(file: string, headers: Record<string, string>): Promise<Response> {
  try {
    const bytes = await readFile(file);
    return new Response(bytes, { headers: { ...headers, 'Content-Type': mimeType(file) } });
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '');
    return refusal(missing ? 404 : 500, headers);
  }
}

async function fromDevServer(origin: string, request: Request, headers: Record<string, string>): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const accept = request.headers.get('accept') ?? '*/*';
  const response = await net.fetch(`${origin}${pathname}${search}`, { headers: { accept } });
  const type = response.headers.get('content-type') ?? mimeType(pathname);
  return new Response(response.body, { status: response.status, headers: { ...headers, 'Content-Type': type } });
}

function refusal(status: number, headers: Record<string, string>): Response {
  const body = status === 404 ? 'Not found.' : 'This file cannot be served.';
  return new Response(body, { status, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' } });
}
