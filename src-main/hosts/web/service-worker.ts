/**
 * Makes the static web build work offline: stores all its files when it is installed, and answers with them. A later
 * build is stored beside it, and used once no tab has the old one. `scripts/build-web.ts` bundles this file.
 */
declare const self: ServiceWorkerGlobalScope;

/** Of the build: a hash over all files, and the integrity of each by its path relative to this script. */
declare const SITE: { version: string; files: Record<string, string> };

const { version, files } = SITE;
/** Of this folder only: all sites of an origin share its caches. A folder's address has no spaces. */
const PREFIX = `tokenscope-site ${new URL('.', self.location.href).pathname} `;
const CACHE = `${PREFIX}${version}`;
const INDEX = 'index.html';

self.addEventListener('install', (event) => event.waitUntil(store()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const name = nameOf(event.request);
  if (name !== null) event.respondWith(answer(event.request, name));
});

/**
 * All or nothing: with a missing file, or one of another build because not all are uploaded yet, the browser tries to
 * install it again at the next visit.
 */
async function store(): Promise<void> {
  const cache = await caches.open(CACHE);
  const requests = Object.entries(files).map(
    // Not from the browser's own cache, which may have files of an earlier build.
    ([name, integrity]) => new Request(addressOf(name), { cache: 'reload', integrity }),
  );
  await cache.addAll(requests);
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
  // The first visit works offline too.
  await self.clients.claim();
}

/** @returns null for what is not a file of the build */
function nameOf({ method, mode, url }: Request): string | null {
  if (method !== 'GET' && method !== 'HEAD') return null;
  const scope = addressOf('');
  const address = url.replace(/[?#].*$/, '');
  if (!address.startsWith(scope)) return null;
  const name = address.slice(scope.length);
  if (mode === 'navigate' && (name === '' || name === INDEX)) return INDEX;
  return Object.hasOwn(files, name) ? name : null;
}

/** A stored file has the headers that the server sent, so that the page stays isolated. */
async function answer(request: Request, name: string): Promise<Response> {
  const stored = await caches.match(addressOf(name), { cacheName: CACHE, ignoreVary: true });
  // The browser may have deleted it.
  if (stored === undefined) return await fetch(request);
  const { headers } = stored;
  if (request.method === 'HEAD') return new Response(null, { headers });
  // Browsers refuse a redirected response to a navigation, and some servers redirect `index.html` to its folder.
  return stored.redirected ? new Response(stored.body, { headers }) : stored;
}

function addressOf(name: string): string {
  return new URL(name, new URL('.', self.location.href)).href;
}

// A module, so that `self` is its own.
export {};
