import type { DownloadProblem, DownloadProblemKind } from '../../../protocol/app/downloads.ts';
import { codeOf } from '../../json-file.ts';

/** Why a download stopped, in categories with different remedies. */
export class DownloadFailure extends Error {
  constructor(
    readonly kind: DownloadProblemKind,
    message: string,
    readonly httpStatus: number | null = null,
  ) {
    super(message);
  }

  get problem(): DownloadProblem {
    return { kind: this.kind, message: this.message, httpStatus: this.httpStatus };
  }

  /**
   * Whether a retry may succeed without any change.
   * @param hasReceived whether bytes have arrived: then the name exists, and it is the network that is gone
   */
  mayPass(hasReceived: boolean): boolean {
    if (this.kind === 'dns') return hasReceived;
    if (this.kind === 'http')
      return this.httpStatus === 408 || this.httpStatus === 429 || (this.httpStatus ?? 0) >= 500;
    return this.kind === 'cut' || this.kind === 'timeout' || this.kind === 'connection';
  }
}

/** OpenSSL's and Node's codes for certificate and handshake errors. */
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|EPROTO$|.*SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;
const DNS_CODES = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'];
const UNREACHABLE_CODES = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN'];

/** Describes a failed connection or request. @param hasAnswer whether the server had begun to respond */
export function networkFailure(error: unknown, host: string, hasAnswer: boolean): DownloadFailure {
  if (error instanceof DownloadFailure) return error;
  const code = codeOf(error) ?? '';
  const why = error instanceof Error ? error.message : String(error);
  if (DNS_CODES.includes(code)) {
    return new DownloadFailure(
      'dns',
      `Cannot find ${host} (${code}). Check that this computer is online. If ${host} is blocked, set a mirror or a proxy in Settings, Downloads.`,
    );
  }
  if (TLS_CODE.test(code)) {
    return new DownloadFailure(
      'tls',
      `The connection to ${host} is not secure (${code}): ${why}. Someone may be intercepting the connection, so nothing was downloaded. Ask your network administrator.`,
    );
  }
  if (UNREACHABLE_CODES.includes(code)) {
    return new DownloadFailure('connection', `Cannot connect to ${host} (${code}). Try again later, or set a proxy.`);
  }
  if (code === 'ETIMEDOUT') return new DownloadFailure('timeout', `${host} did not respond (${code}).`);
  if (hasAnswer)
    return new DownloadFailure(
      'cut',
      `The connection to ${host} was lost during the download. The part already downloaded is kept.`,
    );
  return new DownloadFailure('connection', `The connection to ${host} failed (${code || 'no code'}): ${why}`);
}

/** Describes a failed write. */
export function diskFailure(error: unknown, path: string): DownloadFailure {
  if (error instanceof DownloadFailure) return error;
  const code = codeOf(error) ?? '';
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full. Free some space and try again; the part already downloaded is kept',
    EDQUOT: 'the disk quota is used up. Free some space and try again; the part already downloaded is kept',
    EACCES: 'permission denied. Choose another models folder',
    EPERM: 'permission denied. Choose another models folder',
    EROFS: 'the disk is read-only. Choose another models folder',
  };
  const why = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  return new DownloadFailure('disk', `Cannot write ${path}: ${why}.`);
}

/** Describes an HTTP error of the server. */
export function httpFailure(status: number, url: string): DownloadFailure {
  const meanings: Readonly<Record<number, string>> = {
    401: 'it requires a login, which Tokenscope does not support',
    403: 'access to this file is restricted. You may have to accept its terms on its web page first',
    404: 'the file was not found. It may have been moved or removed',
    410: 'the file was removed',
    429: 'too many requests from this network. Try again later',
  };
  const meaning = meanings[status] ?? (status >= 500 ? 'server error. Try again later' : 'the request was refused');
  return new DownloadFailure('http', `${new URL(url).host} responded with ${status}: ${meaning}.`, status);
}
