/**
 * Headers of the static web build, the same for all files so that any server can send them. Without them the app works on
 * one CPU thread.
 */
import { pageHeaders } from '../../src-main/services/page-headers.ts';

export function siteHeaders(): Record<string, string> {
  const headers = pageHeaders(null, true);
  return {
    ...headers,
    'Content-Security-Policy': `${headers['Content-Security-Policy'] ?? ''}; manifest-src 'self'`,
    // The service worker stores the files; the browser asks at each visit whether there is a later build.
    'Cache-Control': 'no-cache',
  };
}

/** As a `_headers` file, which Cloudflare Pages, Netlify and others read. */
export function headersFile(): string {
  const lines = Object.entries(siteHeaders()).map(([name, value]) => `  ${name}: ${value}`);
  return `${['/*', ...lines].join('\n')}\n`;
}
