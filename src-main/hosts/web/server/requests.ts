/** Checks requests to the web host before anything is done, and reads their bodies. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isSame } from './web-key.ts';

/** A refused request: an HTTP status and a message. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Refuses requests from other web sites' pages: a name that resolves to this computer (DNS rebinding) shows in `Host`, a
 * page of another origin in `Origin` or `Sec-Fetch-Site`.
 * @param port The port this server listens on.
 * @param originRequired Browsers omit `Origin` in simple GETs only.
 */
export function checkSource(headers: IncomingHttpHeaders, port: number, originRequired: boolean): void {
  // Browsers leave out the default port of http, in `Host` and in `Origin`.
  const isDefault = port === 80;
  const hosts = ['127.0.0.1', 'localhost'].map((name) => (isDefault ? name : `${name}:${port}`));
  const { origin } = headers;
  const host = isDefault ? headers.host?.replace(/:80$/, '') : headers.host;
  if (host === undefined || !hosts.includes(host)) {
    throw new Refusal(403, `This server only accepts requests to ${hosts.join(' and ')}.`);
  }
  if (origin === undefined ? originRequired : origin !== `http://${host}`) {
    throw new Refusal(403, 'Requests from other origins are refused.');
  }
  const site = headers['sec-fetch-site'];
  const opensPage = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if ((site === 'cross-site' || site === 'same-site') && !opensPage) {
    throw new Refusal(403, 'Requests from other origins are refused.');
  }
}

export function checkKey(given: string | string[] | undefined, key: string): void {
  if (typeof given !== 'string' || !isSame(given, key)) {
    throw new Refusal(401, 'The key is missing or wrong. Open the address printed in the terminal.');
  }
}

/** @throws Refusal 415, 413 or 400 */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new Refusal(415, 'The body must be application/json.');
  }
  const tooLarge = new Refusal(413, `The body is larger than ${maxBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  const parts: Buffer[] = [];
  let size = 0;
  // Leaving the loop early must not close the connection, or the refusal would not arrive.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) throw tooLarge;
    parts.push(part);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))) as unknown;
  } catch {
    throw new Refusal(400, 'The body is not JSON.');
  }
}
