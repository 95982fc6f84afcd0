import { TRUSTED_TYPES_POLICIES } from '../protocol/app/app-bridge.ts';

/**
 * Headers of everything a page is made of, in both hosts. Nothing is loaded from anywhere but the app itself, HTML is
 * created from text only through a named policy, and the page is isolated (`crossOriginIsolated`), which shared memory
 * needs.
 * @param devServer Origin of the development server whose files are proxied; null in a build.
 * @param webAssembly Whether what is served may compile WebAssembly: the scripts of Workers that compute, never a page.
 */
export function pageHeaders(devServer: string | null = null, webAssembly = false): Record<string, string> {
  return {
    'Content-Security-Policy': contentSecurityPolicy(devServer, webAssembly),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Permissions-Policy': 'camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), serial=(), usb=()',
  };
}

function contentSecurityPolicy(devServer: string | null, webAssembly: boolean): string {
  const directives = [
    "default-src 'none'",
    webAssembly ? "script-src 'self' 'wasm-unsafe-eval'" : "script-src 'self'",
    // The development server adds styles by script and uses a web socket.
    devServer === null ? "style-src 'self'" : "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    devServer === null ? "connect-src 'self'" : `connect-src 'self' ${devServer.replace(/^http/, 'ws')}`,
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  if (devServer === null) {
    directives.push("require-trusted-types-for 'script'", `trusted-types ${TRUSTED_TYPES_POLICIES.join(' ')}`);
  }
  return directives.join('; ');
}
