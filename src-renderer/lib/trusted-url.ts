/** The page's only Trusted Types policy: the addresses of its Workers are constants. */

interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const WORKERS: readonly string[] = ['/engine.worker.js', '/markdown.worker.js', '/pdf.worker.js'];

const rules = {
  createScriptURL(url: string): string {
    if (!WORKERS.includes(url)) throw new TypeError(`${url} is not a Worker of this page.`);
    return url;
  },
};

// TypeScript's DOM library does not know Trusted Types yet.
const factory = (globalThis as { trustedTypes?: TrustedTypesFactory }).trustedTypes;
const policy = factory?.createPolicy('tokenscope', rules) ?? rules;

/** An address that a page with `require-trusted-types-for 'script'` may start a Worker from. */
export function workerUrl(path: string): string {
  return policy.createScriptURL(path);
}
