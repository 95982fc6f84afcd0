/** Serves the static web build on this computer, with its headers, to try it and for tests. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileUnder, mimeType } from '../../src-main/services/static-files.ts';
import { siteHeaders } from './site-headers.ts';

export interface ServedSite {
  /** With a slash at its end. */
  address: string;
  close(): Promise<void>;
}

/** @param port 0 for a free one @throws the system's error, with `code` EADDRINUSE when the port is taken */
export async function serveSite(folder: string, port = 0): Promise<ServedSite> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://127.0.0.1').pathname;
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
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
