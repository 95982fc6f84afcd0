/** A local update server with one release, and the key that signed it. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { signedList } from '../../scripts/release/signed-list.ts';

export interface UpdateServer {
  address: string;
  /** Public key, PEM. */
  key: string;
  requests: string[];
  close(): Promise<void>;
}

export interface ServedRelease {
  /** With the installers, named as `npm run dist` does. */
  folder: string;
  version: string;
  notes: string;
}

export async function startUpdateServer({ folder, version, notes }: ServedRelease): Promise<UpdateServer> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { list, signature } = await signedList({ folder, version, notes, key: privateKey });
  const made: Readonly<Record<string, string>> = { 'updates.json': list, 'updates.json.sig': signature };
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const asked = (request.url ?? '').slice(1);
    requests.push(asked);
    const text = Object.hasOwn(made, asked) ? made[asked] : undefined;
    if (text !== undefined) response.writeHead(200, { 'content-length': Buffer.byteLength(text) }).end(text);
    else if (!/^[\w][\w.-]*$/.test(asked)) response.writeHead(404).end();
    else void sendFile(response, join(folder, asked));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function sendFile(response: ServerResponse, path: string): Promise<void> {
  const size = await stat(path).then(
    (file) => file.size,
    () => null,
  );
  if (size === null) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-length': size });
  createReadStream(path).pipe(response);
}
