import type { DownloadProblem, DownloadProblemKind } from '../../../protocol/app-services.ts';
import { codeOf } from '../../json-file.ts';

/** Why a download stopped, told apart so that a person knows what to do. */
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

  /** Whether the same again may well work, without anybody doing something. */
  get mayPass(): boolean {
    if (this.kind === 'http')
      return this.httpStatus === 408 || this.httpStatus === 429 || (this.httpStatus ?? 0) >= 500;
    return this.kind === 'cut' || this.kind === 'timeout' || this.kind === 'connection';
  }
}

/** OpenSSL's and Node's names of what can be wrong with a certificate or a handshake. */
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|EPROTO$|.*SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;
const DNS_CODES = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'];
const UNREACHABLE_CODES = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN'];

/** A failed connection or request in words. @param hasAnswer the server had begun to answer */
export function networkFailure(error: unknown, host: string, hasAnswer: boolean): DownloadFailure {
  if (error instanceof DownloadFailure) return error;
  const code = codeOf(error) ?? '';
  const why = error instanceof Error ? error.message : String(error);
  if (DNS_CODES.includes(code)) {
    return new DownloadFailure(
      'dns',
      `The name ${host} was not found (${code}). Is this computer online? If the hub cannot be reached from here, set a mirror or a proxy in the settings.`,
    );
  }
  if (TLS_CODE.test(code)) {
    return new DownloadFailure(
      'tls',
      `The connection to ${host} is not secure (${code}): ${why}. Something between here and there may read along, so nothing was taken from it.`,
    );
  }
  if (UNREACHABLE_CODES.includes(code)) {
    return new DownloadFailure('connection', `${host} cannot be reached (${code}). Try again later, or set a proxy.`);
  }
  if (code === 'ETIMEDOUT') return new DownloadFailure('timeout', `${host} did not answer (${code}).`);
  if (hasAnswer)
    return new DownloadFailure('cut', `The connection to ${host} broke off in mid-file. What came is kept.`);
  return new DownloadFailure('connection', `The connection to ${host} failed (${code || 'no code'}): ${why}`);
}

/** A failed write in words. */
export function diskFailure(error: unknown, path: string): DownloadFailure {
  if (error instanceof DownloadFailure) return error;
  const code = codeOf(error) ?? '';
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full. What came is kept: free some space and go on',
    EDQUOT: 'the quota of disk space is used up. What came is kept: free some space and go on',
    EACCES: 'permission denied. Choose another folder for models',
    EPERM: 'permission denied. Choose another folder for models',
    EROFS: 'the disk can only be read. Choose another folder for models',
  };
  const why = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  return new DownloadFailure('disk', `${path} cannot be written: ${why}.`);
}

/** A refusal of the server in words. */
export function httpFailure(status: number, url: string): DownloadFailure {
  const meanings: Readonly<Record<number, string>> = {
    401: 'it wants to know who asks, and Tokenscope has no account there',
    403: 'it does not give this file to everybody: its terms may have to be accepted on its page first',
    404: 'it has no such file; it may have been moved or taken back',
    410: 'the file was taken back',
    429: 'too many requests came from here; wait a while',
  };
  const meaning =
    meanings[status] ?? (status >= 500 ? 'the server has trouble of its own; try again later' : 'it refused');
  return new DownloadFailure('http', `${new URL(url).host} answered ${status}: ${meaning}.`, status);
}
