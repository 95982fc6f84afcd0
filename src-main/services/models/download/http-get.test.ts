/** Proxies, certificates and silence. downloads.test.ts covers other errors. */
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { Readable, type Duplex } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startDownloadServer, type DownloadServer } from '../../../../e2e/support/download-server.ts';
import { SELF_SIGNED_CERTIFICATE } from '../../../../e2e/support/self-signed.ts';
import { NetworkLog } from '../../network-log.ts';
import { httpGet, partsOf, type Answer } from './http-get.ts';
import { proxyFor } from './proxy.ts';

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);

async function hub(): Promise<DownloadServer> {
  const server = await startDownloadServer({ tls: true });
  onTestFinished(() => server.close());
  server.serve('/file', BYTES);
  return server;
}

/** A proxy that resolves every name to this computer. */
async function proxy(port: number, { password = null as string | null, status = 200 } = {}) {
  const asked: string[] = [];
  const sockets: Duplex[] = [];
  const server: Server = createServer((_, response) => response.writeHead(400).end());
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    const given = Buffer.from(
      (request.headers['proxy-authorization'] ?? '').replace('Basic ', ''),
      'base64',
    ).toString();
    if (password !== null && given !== password) return socket.end('HTTP/1.1 407 Who are you?\r\n\r\n');
    if (status !== 200) return socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream]) end.on('error', () => undefined);
    sockets.push(socket, upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
        server.closeAllConnections();
      }),
  );
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function get(url: string, proxyAddress: string | null, ca?: string) {
  const log = new NetworkLog();
  const { signal } = new AbortController();
  const answer = await httpGet(url, {
    headers: {},
    proxy: proxyAddress,
    log,
    note: 'Test.',
    signal,
    answerMs: 15_000,
    ca,
  });
  const parts: Buffer[] = [];
  for await (const part of answer.body as AsyncIterable<Buffer>) parts.push(part);
  return { status: answer.status, bytes: new Uint8Array(Buffer.concat(parts)), log };
}

test('a server is silent while its reader waits, not while its reader writes to a slow disk', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const body = new Readable({ read: () => undefined });
  const answer = { url: 'https://hub.test/file', body } as unknown as Answer;
  const parts = partsOf(answer, new AbortController().signal, 1000);
  for (const text of ['one', 'two', 'three']) {
    body.push(text);
    expect(String((await parts.next()).value)).toBe(text);
    await vi.advanceTimersByTimeAsync(10_000);
  }
  const silence = 'hub.test has sent nothing for 1 seconds. Try again.';
  const cut = expect(parts.next()).rejects.toMatchObject({ kind: 'timeout', message: silence });
  await vi.advanceTimersByTimeAsync(999);
  expect(body.destroyed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await cut;
});

test('uses a proxy, which sees the host name, but not the address or the content', async () => {
  const server = await hub();
  const { address, asked } = await proxy(Number(new URL(server.url).port), { password: 'me:p@ss' });
  const through = await get('https://hub.test/file', `http://me:p%40ss@${address}`, SELF_SIGNED_CERTIFICATE);
  expect(through).toMatchObject({ status: 200, bytes: BYTES });
  expect(asked).toEqual(['hub.test:443']);
  // The proxy's password and the file's address are not logged.
  expect(JSON.stringify(through.log.records())).not.toContain('p@ss');
  await expect(get('https://hub.test/file', `http://${address}`, SELF_SIGNED_CERTIFICATE)).rejects.toMatchObject({
    kind: 'proxy',
    message: expect.stringMatching(/requires a user name and a password\. Add them to its address/) as string,
  });
});

test('checks certificates through a proxy too: the issuer and the name', async () => {
  const server = await hub();
  const { address } = await proxy(Number(new URL(server.url).port));
  await expect(get('https://hub.test/file', `http://${address}`)).rejects.toMatchObject({ kind: 'tls' });
  await expect(get('https://other.test/file', `http://${address}`, SELF_SIGNED_CERTIFICATE)).rejects.toMatchObject({
    kind: 'tls',
    message: expect.stringContaining('other.test') as string,
  });
  // The certificate is valid for the address of the proxy, but not for these.
  for (const [host, ip] of [
    ['192.0.2.1', '192.0.2.1'],
    ['[2001:db8::1]', '2001:db8::1'],
  ] as const) {
    await expect(get(`https://${host}/file`, `http://${address}`, SELF_SIGNED_CERTIFICATE)).rejects.toMatchObject({
      kind: 'tls',
      message: expect.stringContaining(`IP: ${ip} is not in the cert's list`) as string,
    });
  }
});

test('reports a proxy that refuses, is not a proxy, or is unreachable', async () => {
  const { address } = await proxy(1, { status: 403 });
  await expect(get('https://hub.test/file', `http://${address}`)).rejects.toMatchObject({
    kind: 'proxy',
    httpStatus: 403,
  });
  const noProxy = await startDownloadServer();
  await noProxy.close();
  await expect(get('https://hub.test/file', noProxy.url)).rejects.toMatchObject({ kind: 'proxy' });
  // This computer itself is never reached through a proxy.
  const server = await hub();
  expect(await get(`${server.url}/file`, 'http://127.0.0.1:1', SELF_SIGNED_CERTIFICATE)).toMatchObject({ status: 200 });
});

test('an address that is neither https nor this computer is refused', async () => {
  for (const url of ['http://example.org/file', 'ftp://example.org/file', 'file:///etc/passwd', 'x']) {
    await expect(get(url, null), url).rejects.toMatchObject({ kind: 'redirect' });
  }
});

test.each([
  ['https://hub.test/', 'http://set:1', { HTTPS_PROXY: 'http://env:2' }, 'http://set:1/'],
  ['https://hub.test/', null, { HTTPS_PROXY: 'http://env:2' }, 'http://env:2/'],
  ['https://hub.test/', null, { https_proxy: 'env:2' }, 'http://env:2/'],
  ['https://hub.test/', null, { HTTPS_PROXY: 'http://env:2', NO_PROXY: 'other,.test' }, null],
  ['https://hub.test/', null, { HTTPS_PROXY: 'http://env:2', NO_PROXY: '*' }, null],
  ['https://hub.testing/', null, { HTTPS_PROXY: 'http://env:2', NO_PROXY: 'test' }, 'http://env:2/'],
  ['https://hub.test/', null, {}, null],
  ['https://localhost/', 'http://set:1', {}, null],
])('%s with the setting %s and %o goes through %s', (url, setting, env, expected) => {
  expect(proxyFor(new URL(url), setting, env)?.href ?? null).toBe(expected);
});

test('an unsupported kind of proxy is named without its password', () => {
  const env = { HTTPS_PROXY: 'socks5://me:secret@proxy.test:1' };
  expect(() => proxyFor(new URL('https://hub.test/'), null, env)).toThrow(/HTTPS_PROXY is "socks5:\/\/…@proxy.test:1"/);
});
