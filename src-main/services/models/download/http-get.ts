/** One GET over https: follows redirects, logs every hop, and distinguishes errors. */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isDownloadAddress } from '../../../protocol/app/fields.ts';
import type { NetworkLog, RunningRequest } from '../../network-log.ts';
import { DownloadFailure, networkFailure } from './download-failure.ts';
import { proxyFor, tunnel } from './proxy.ts';

export interface GetOptions {
  headers: Readonly<Record<string, string>>;
  /** The proxy of the settings; null to use the environment's. */
  proxy: string | null;
  log: NetworkLog;
  /** Purpose of the request, for the log. */
  note: string;
  signal: AbortSignal;
  /** Maximum time until a server begins to respond, ms. */
  answerMs: number;
  /** Additional trusted certificates, PEM. */
  ca?: string | undefined;
}

/** A response whose body has not been read. */
export interface Answer {
  url: string;
  status: number;
  headers: IncomingMessage['headers'];
  body: IncomingMessage;
  /** Log entry of this hop, to be updated with bytes and the end. */
  logged: RunningRequest;
}

const MAX_REDIRECTS = 8;
const REDIRECTS = [301, 302, 303, 307, 308];
const OTHER_MIRROR = 'If you use a mirror, try another one.';

/** @throws DownloadFailure; the signal's reason */
export async function httpGet(address: string, options: GetOptions): Promise<Answer> {
  let url = address;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    if (!isDownloadAddress(url)) throw new DownloadFailure('redirect', `${url.slice(0, 200)} is not an https address.`);
    const answer = await hop(url, options);
    if (!REDIRECTS.includes(answer.status)) return answer;
    answer.body.destroy();
    answer.logged.end('done', `Redirected (${answer.status}).`);
    url = nextUrl(url, answer.headers.location);
  }
  throw new DownloadFailure(
    'redirect',
    `Too many redirects from ${new URL(address).host}: the limit is ${MAX_REDIRECTS}. ${OTHER_MIRROR}`,
  );
}

/**
 * The parts of a body as they arrive.
 * @param idleMs longest wait for one, ms; the time that the reader takes between two does not count
 * @throws DownloadFailure timeout after `idleMs`; Error when `signal` aborts, or the connection is lost
 */
export async function* partsOf({ body, url }: Answer, signal: AbortSignal, idleMs: number): AsyncGenerator<Buffer> {
  const stop = (): void => void body.destroy(new Error('stopped'));
  signal.addEventListener('abort', stop, { once: true });
  const wait = (): NodeJS.Timeout =>
    setTimeout(() => {
      const silence = `${new URL(url).host} has sent nothing for ${idleMs / 1000} seconds. Try again.`;
      body.destroy(new DownloadFailure('timeout', silence));
    }, idleMs);
  let waiting = wait();
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      // A disk that takes long is no silent server.
      clearTimeout(waiting);
      yield part;
      waiting = wait();
    }
  } finally {
    clearTimeout(waiting);
    signal.removeEventListener('abort', stop);
  }
}

function nextUrl(from: string, location: string | undefined): string {
  const host = new URL(from).host;
  if (location === undefined || !URL.canParse(location, from)) {
    throw new DownloadFailure('redirect', `${host} redirects to an invalid address. ${OTHER_MIRROR}`);
  }
  const next = new URL(location, from);
  next.hash = '';
  if (!isDownloadAddress(next.href)) {
    throw new DownloadFailure(
      'redirect',
      `${host} redirects to ${next.protocol}//${next.host}, which is not secure. Nothing was downloaded from there. ${OTHER_MIRROR}`,
    );
  }
  return next.href;
}

async function hop(url: string, options: GetOptions): Promise<Answer> {
  const { host } = new URL(url);
  const logged = options.log.begin(url, options.note);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), options.answerMs);
  const signal = AbortSignal.any([options.signal, late.signal]);
  try {
    const body = await answerTo(url, options, signal);
    return { url, status: body.statusCode ?? 0, headers: body.headers, body, logged };
  } catch (error) {
    const failure = late.signal.aborted
      ? new DownloadFailure('timeout', `${host} did not respond within ${options.answerMs / 1000} seconds.`)
      : options.signal.aborted
        ? null
        : networkFailure(error, host, false);
    logged.end('failed', failure?.message ?? 'Cancelled.');
    throw failure ?? options.signal.reason;
  } finally {
    clearTimeout(timer);
  }
}

async function answerTo(url: string, options: GetOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { protocol, hostname, port } = new URL(url);
  const { headers, ca } = options;
  const common: RequestOptions = { method: 'GET', headers, agent: false, ...(ca === undefined ? {} : { ca }) };
  const proxy = protocol === 'https:' ? proxyFor(new URL(url), options.proxy) : null;
  if (proxy !== null) {
    const socket = await tunnel(proxy, hostname, Number(port || 443), signal);
    // An agent would open a separate connection.
    delete common.agent;
    const host = hostname.replace(/^\[|\]$/g, '');
    common.createConnection = () => {
      // An IP address cannot be a `servername`. Without `host`, the certificate would be checked for the proxy's name, or
      // for `localhost`.
      const named = { host, ...(isIP(host) === 0 ? { servername: host } : {}) };
      return connectTls({ socket, ...named, ...(ca === undefined ? {} : { ca }) });
    };
  }
  // Only until the response begins: after that, the reader of the body stops it.
  return await new Promise((resolve, reject) => {
    const asking = protocol === 'https:' ? requestHttps(url, common) : requestHttp(url, common);
    const stop = (): void => void asking.destroy(new Error('stopped'));
    signal.addEventListener('abort', stop, { once: true });
    asking.once('response', (response) => {
      signal.removeEventListener('abort', stop);
      // Later errors of the connection are the body's.
      asking.on('error', () => undefined);
      resolve(response);
    });
    asking.once('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
    asking.end();
    if (signal.aborted) stop();
  });
}
