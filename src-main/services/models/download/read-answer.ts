/** Checks a server's response to a download before its body is used. */
import { hasGgufMagic } from '../../../engine/api/model-file-rules.ts';
import { grouped } from '../../numbers.ts';
import { DownloadFailure, httpFailure } from './download-failure.ts';
import type { Answer } from './http-get.ts';
import type { PartState } from './part-file.ts';
import type { Wanted } from './transfer.ts';

export interface Beginning {
  /** Offset in the file at which the body begins. */
  from: number;
  /** Size of the whole file; null when neither the catalogue nor the server says. */
  total: number | null;
  /** Description of the bytes. */
  state: PartState;
  /** Must be called with the first bytes of the body. @throws DownloadFailure if they cannot be the file's */
  check(first: Uint8Array): void;
}

/** Content types of web pages rather than files. */
const PAGE = /^(text\/|application\/(xhtml|xml|json|problem\+json))/i;

/**
 * @param have existing bytes, after which the rest was requested
 * @throws DownloadFailure if it cannot be the file or the rest of it
 */
export function readAnswer(wanted: Wanted, have: number, { status, headers, url }: Answer): Beginning {
  if (status !== 200 && status !== 206) throw httpFailure(status, url);
  const { host } = new URL(url);
  const kept = `Nothing was downloaded${have > 0 ? '; the earlier part is kept' : ''}.`;
  const length = /^\d+$/.test(headers['content-length'] ?? '') ? Number(headers['content-length']) : null;
  const range = status === 206 ? rangeOf(headers['content-range']) : null;
  if (status === 206 && range?.from !== have) {
    throw new DownloadFailure('http', `${host} sent the wrong part of the file. ${kept}`, status);
  }
  const from = range?.from ?? 0;
  const announced = range?.total ?? length;
  const isConfirmed = wanted.bytes !== null && announced === wanted.bytes;
  const type = headers['content-type'] ?? '';
  if (!isConfirmed && PAGE.test(type)) {
    throw new DownloadFailure(
      'http',
      `${host} sent a web page (${type.slice(0, 100)}) instead of the file. It may require a login or limit downloads. ${kept}`,
    );
  }
  if (wanted.bytes !== null && announced !== null && announced !== wanted.bytes) {
    throw new DownloadFailure(
      'hash',
      `The file on ${host} has ${grouped(announced)} bytes instead of ${grouped(wanted.bytes)}, so it is not the file in the catalogue. ${kept}`,
    );
  }
  const total = wanted.bytes ?? announced;
  const replaces = from === 0 && have > 0;
  return {
    from,
    total,
    state: { version: 1, catalogueId: wanted.catalogueId, validator: validatorOf(headers), totalBytes: total },
    check(first) {
      if (!replaces || isConfirmed || hasGgufMagic(first)) return;
      throw new DownloadFailure('http', `${host} sent something other than a GGUF file. ${kept}`);
    },
  };
}

function rangeOf(header: string | undefined): { from: number; total: number } | null {
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(header ?? '') ?? [];
  return from === undefined ? null : { from: Number(from), total: Number(total) };
}

/** A strong ETag, or a date, for `If-Range` (RFC 9110, 13.1.5). */
function validatorOf({ etag, 'last-modified': date }: Answer['headers']): string | null {
  if (etag !== undefined && etag.startsWith('"')) return etag.slice(0, 1000);
  return date === undefined ? null : date.slice(0, 1000);
}
