/** Connects to an https server through a proxy. */
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { isLoopback, isProxy } from '../../../protocol/app/fields.ts';
import { DownloadFailure } from './download-failure.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an address; null for none. This computer itself is never reached through one.
 * @param setting from the settings; null to use the environment's
 * @throws DownloadFailure when the environment names something other than an http proxy
 */
export function proxyFor(url: URL, setting: string | null, env: Environment = process.env): URL | null {
  if (isLoopback(url.hostname)) return null;
  if (setting !== null) return new URL(setting);
  if (isExcepted(url.hostname, env.NO_PROXY ?? env.no_proxy ?? '')) return null;
  const named = env.HTTPS_PROXY ?? env.https_proxy ?? env.ALL_PROXY ?? env.all_proxy ?? '';
  if (named === '') return null;
  const address = named.includes('://') ? named : `http://${named}`;
  if (isProxy(address)) return new URL(address);
  throw new DownloadFailure('proxy', `HTTPS_PROXY is "${withoutPassword(named)}". Expected http://host:port.`);
}

/** Supports `.example.org`, `example.org` and `*`, like NO_PROXY in curl. */
function isExcepted(hostname: string, list: string): boolean {
  return list.split(',').some((part) => {
    const name = part
      .trim()
      .replace(/^\*?\./, '')
      .toLowerCase();
    return name === '*' || (name !== '' && (hostname === name || hostname.endsWith(`.${name}`)));
  });
}

/**
 * A connection to `host:port` through the proxy.
 * @throws DownloadFailure proxy; the signal's reason
 */
export function tunnel(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const where = proxy.host;
  const credentials =
    proxy.username === '' ? null : `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return new Promise((resolve, reject) => {
    const asking = request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || 80,
      method: 'CONNECT',
      path: `${host}:${port}`,
      headers: {
        host: `${host}:${port}`,
        ...(credentials === null
          ? {}
          : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }),
      },
      agent: false,
      signal,
    });
    asking.once('connect', ({ statusCode = 0 }, socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      const why =
        statusCode === 407
          ? 'it requires a user name and a password. Add them to its address: http://USER:PASSWORD@host:port'
          : 'it refused the connection';
      reject(new DownloadFailure('proxy', `The proxy ${where} responded with ${statusCode}: ${why}.`, statusCode));
    });
    asking.once('response', (response) => {
      response.destroy();
      reject(
        new DownloadFailure(
          'proxy',
          `${where} did not open a tunnel, so it is not a proxy for https. Check its address.`,
          response.statusCode ?? null,
        ),
      );
    });
    asking.once('error', (error) => {
      reject(
        signal.aborted
          ? (signal.reason as Error)
          : new DownloadFailure('proxy', `Cannot connect to the proxy ${where}: ${error.message}`),
      );
    });
    asking.end();
  });
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//…@').slice(0, 200);
}
