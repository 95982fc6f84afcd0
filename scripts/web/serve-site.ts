/** Serves the static web build on this computer, with its headers, to try it and for tests. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf } from '../../src-main/services/json-file.ts';
import { fileUnder, mimeType } from '../../src-main/services/static-files.ts';
import { siteHeaders } from './site-headers.ts';

export interface ServedSite {
  /** With a slash at its end. */
  address: string;
  close(): Promise<void>;
}

const DEFAULT_PORT = 4318;

/**
 * The port after `--serve`, or the default one.
 * @returns null without `--serve` @throws Error for people
 */
export function portToServe(args: readonly string[]): number | null {
  const at = args.indexOf('--serve');
  if (at === -1) return null;
  const text = args[at + 1] ?? String(DEFAULT_PORT);
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`--serve ${text}: expected a port from 0 to 65535.`);
  return port;
}

/** @param port 0 for a free one @throws Error for people when the port is in use, else the system's */
export async function serveSite(folder: string, port = 0): Promise<ServedSite> {
  const server = createServer((request, response) => {
    // Not parsed as a URL: clients may send anything, such as `//`.
    const [path = ''] = (request.url ?? '').split('?', 1);
    if (path.endsWith('/index.html')) {
      // As Cloudflare Pages and Firebase do.
      response.writeHead(308, { location: './' }).end();
      return;
    }
    const name = path.endsWith('/') ? `${path}index.html` : path;
    const file = fileUnder(folder, name);
    const read = file === null ? Promise.resolve(null) : readFile(file).catch(() => null);
    void read.then((body) => {
      if (body === null) return response.writeHead(404).end();
      response.writeHead(200, {
        ...siteHeaders(),
        'content-type': name.endsWith('.webmanifest') ? 'application/manifest+json' : mimeType(name),
        'content-length': body.length,
      });
      return response.end(request.method === 'HEAD' ? undefined : body);
    });
  });
  // Node would close idle connections after five seconds, perhaps just as a browser uses one again.
  server.keepAliveTimeout = 0;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((cause: unknown) => {
    if (codeOf(cause) !== 'EADDRINUSE') throw cause;
    throw new Error(`Port ${port} is in use. Choose another with --serve PORT.`, { cause });
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
