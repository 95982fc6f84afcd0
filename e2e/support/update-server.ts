/** A local update server with one release, and the key that signed it. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface UpdateServer {
  address: string;
  /** Public key, PEM. */
  key: string;
  requests: string[];
  close(): Promise<void>;
}

/** @param content of the release's AppImage */
export async function startUpdateServer(version: string, notes: string, content: string): Promise<UpdateServer> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const name = `tokenscope-${version}-linux-${process.arch}.AppImage`;
  const sha256 = createHash('sha256').update(content).digest('hex');
  const file = { name, bytes: Buffer.byteLength(content), sha256 };
  const list = JSON.stringify({ format: 1, version, date: '2026-11-27', notes, files: [file] });
  const files: Readonly<Record<string, string>> = {
    'updates.json': list,
    'updates.json.sig': sign(null, Buffer.from(list), privateKey).toString('base64'),
    [name]: content,
  };
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const asked = (request.url ?? '').slice(1);
    requests.push(asked);
    const body = Object.hasOwn(files, asked) ? files[asked] : undefined;
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body);
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
