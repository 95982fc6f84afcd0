/** The page's only Trusted Types policy: its Workers are constants, beside the page itself. */

interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const WORKERS = [
  'engine.worker.js',
  'gpu.worker.js',
  'markdown.worker.js',
  'pdf.worker.js',
  'service-worker.js',
] as const;
export type WorkerName = (typeof WORKERS)[number];

const rules = {
  createScriptURL(name: string): string {
    if (!WORKERS.some((known) => known === name)) throw new TypeError(`${name} is not a Worker of this page.`);
    return new URL(name, document.baseURI).href;
  },
};

// TypeScript's DOM library does not know Trusted Types yet.
const factory = (globalThis as { trustedTypes?: TrustedTypesFactory }).trustedTypes;
const policy = factory?.createPolicy('tokenscope', rules) ?? rules;

/** An address that a page with `require-trusted-types-for 'script'` may start a Worker from. */
export function workerUrl(name: WorkerName): string {
  return policy.createScriptURL(name);
}
