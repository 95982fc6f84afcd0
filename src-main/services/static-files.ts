/** Resolves URL paths to files: pure functions, shared by the app's own scheme and the web host. */
import { extname, join } from 'node:path';

const MIME_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

export function mimeType(path: string): string {
  return MIME_TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream';
}

/** Letters, digits and a few marks; no leading dot, so neither `..` nor a hidden file. */
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/**
 * @param root Folder to serve.
 * @param urlPath Path of a URL under that folder, percent-encoded, with a leading slash.
 * @returns the file's path, always inside `root`; null for anything that is not a plain relative path
 */
export function fileUnder(root: string, urlPath: string): string | null {
  if (!urlPath.startsWith('/')) return null;
  const segments = urlPath.slice(1).split('/');
  // Served files have plain names, so escapes are never needed, and double encoding cannot be exploited.
  return segments.every((segment) => SEGMENT.test(segment)) ? join(root, ...segments) : null;
}

export type RangeResult = { kind: 'whole' } | { kind: 'part'; start: number; end: number } | { kind: 'unsatisfiable' };

/**
 * Parses a `Range` header (RFC 9110, 14.2) with one range. Several ranges, other units and invalid headers mean the whole
 * file, as the RFC allows.
 * @returns `start` and `end` are inclusive byte positions
 */
export function parseRange(header: string | undefined, size: number): RangeResult {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return { kind: 'whole' };
  const [, first, last] = match;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'part', start, end };
}
