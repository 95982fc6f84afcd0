import { expect, it, onTestFinished, vi } from 'vitest';
import type { AppEvent } from '../../src-main/protocol/app/app-services.ts';
import { hostProof } from '../../src-main/protocol/app/known-host.ts';
import { defaultSettings } from '../../src-main/protocol/app/settings-schemas.ts';
import { webServices } from './services.ts';
import type { Tabs } from './shared-events.ts';

const ORIGIN = 'http://127.0.0.1:4317';
const KEY = 'secret';

/** The locks and channels of a browser. */
function browser({ refusesLocks = false } = {}): Tabs {
  const queues = new Map<string, Promise<unknown>>();
  const channels = new Set<{ name: string; hear: (message: unknown) => void }>();
  return {
    async lock(name, signal, work) {
      if (refusesLocks) throw new DOMException('Denied.', 'SecurityError');
      const before = queues.get(name) ?? Promise.resolve();
      const mine = before.then(() => (signal.aborted ? Promise.reject(new Error('Aborted.')) : work()));
      queues.set(
        name,
        mine.catch(() => undefined),
      );
      await mine;
    },
    openChannel(name, hear) {
      const own = { name, hear };
      channels.add(own);
      return {
        postMessage(message: unknown) {
          if (!channels.has(own)) throw new DOMException('It is closed.', 'InvalidStateError');
          const copy: unknown = structuredClone(message);
          for (const other of channels) {
            if (other !== own && other.name === name) queueMicrotask(() => channels.has(other) && other.hear(copy));
          }
        },
        close: () => void channels.delete(own),
      };
    },
  };
}

/** A web host with a stream for each page that reads events. */
function webHost(key = KEY) {
  const streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const state = { isUp: true };
  const calls: string[] = [];
  const fetcher = (async (path: string, init: RequestInit) => {
    init.signal?.throwIfAborted();
    if (!state.isUp) throw new TypeError('Failed to fetch');
    const json = (result: unknown, status = 200) => new Response(JSON.stringify({ result }), { status });
    const body = typeof init.body === 'string' ? (JSON.parse(init.body) as { nonce: string; method: string }) : null;
    if (path === '/api/proof') return json(hostProof(key, ORIGIN, body?.nonce ?? ''));
    if (new Headers(init.headers).get('x-tokenscope-token') !== key) return json(null, 401);
    if (body !== null) {
      calls.push(body.method);
      return json(body.method === 'savedItems' ? [] : defaultSettings());
    }
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        streams.add(controller);
        init.signal?.addEventListener('abort', () => {
          streams.delete(controller);
          controller.error(new DOMException('The page is closed.', 'AbortError'));
        });
      },
    });
    return new Response(stream);
  }) as typeof fetch;
  return {
    streams,
    calls,
    fetcher,
    send(event: AppEvent) {
      for (const stream of streams) stream.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
    },
    stop() {
      state.isUp = false;
      for (const stream of streams) stream.close();
      streams.clear();
    },
    start: () => void (state.isUp = true),
  };
}

function openPage(tabs: Tabs | null, { fetcher }: { fetcher: typeof fetch }, key = KEY) {
  const heard: AppEvent[] = [];
  const services = webServices(key, { fetcher, origin: ORIGIN, tabs });
  const close = services.onEvent((event) => heard.push(event));
  onTestFinished(close);
  return {
    ...{ services, heard, close },
    types: () => heard.map((event) => (event.type === 'host' ? event.state : event.type)),
  };
}

const CAUGHT_UP = ['here', 'chats', 'models', 'settings', 'savedItems'];

it('one of seven pages reads events for all, and when it is closed the next one does', async () => {
  const [tabs, host] = [browser(), webHost()];
  const pages = Array.from({ length: 7 }, () => openPage(tabs, host));
  await vi.waitFor(() => expect(pages.map(({ types }) => types()[0])).toEqual(new Array(7).fill('here')));
  await vi.waitFor(() => expect(host.streams.size).toBe(1));
  host.send({ type: 'engineModel', changing: true });
  await vi.waitFor(() => pages.forEach(({ types }) => expect(types()).toContain('engineModel')));

  const [first, ...others] = pages;
  for (const { heard } of pages) heard.length = 0;
  first.close();
  // What happened before the next page was connected is read again.
  await vi.waitFor(() => others.forEach(({ types }) => expect(types()).toEqual(CAUGHT_UP)));
  expect(host.streams.size).toBe(1);
  host.send({ type: 'engineModel', changing: false });
  await vi.waitFor(() => others.forEach(({ types }) => expect(types().at(-1)).toBe('engineModel')));
  expect(first.heard).toEqual([]);
});

it('a page does not wait for the lock before it reads events', async () => {
  const host = webHost();
  const page = openPage({ ...browser(), lock: () => new Promise(() => undefined) }, host);
  await vi.waitFor(() => expect(page.types()).toEqual(['here']));
});

it('a page that is opened later gets the state, and reads nothing again', async () => {
  const [tabs, host] = [browser(), webHost()];
  const first = openPage(tabs, host);
  await vi.waitFor(() => expect(first.types()).toEqual(['here']));
  const readOnly: AppEvent = { type: 'readOnly', message: 'Another one writes.' };
  const notice: AppEvent = { type: 'notice', id: '1', message: 'A file was renamed.' };
  host.send(readOnly);
  host.send(notice);
  await vi.waitFor(() => expect(first.heard).toHaveLength(3));
  const later = openPage(tabs, host);
  await vi.waitFor(() => expect(later.types()).toContain('notice'));
  expect(host.streams.size).toBe(1);
  expect(later.heard).toEqual(expect.arrayContaining([readOnly, notice]));
  expect(first.heard, 'only the new page').toHaveLength(3);
  host.send({ type: 'models' });
  await vi.waitFor(() => expect(later.types()).toContain('models'));
  // It may have connected itself before the first page told it to stop.
  expect(later.types().filter((type) => type !== 'here')).toEqual(['readOnly', 'notice', 'models']);
  expect(host.calls).toEqual([]);
});

it('all pages hear that the host is away, and that it is back', async () => {
  const [tabs, host] = [browser(), webHost()];
  const pages = [openPage(tabs, host), openPage(tabs, host)];
  await vi.waitFor(() => pages.forEach(({ types }) => expect(types()[0]).toBe('here')));
  await vi.waitFor(() => expect(host.streams.size).toBe(1));
  host.stop();
  await vi.waitFor(() => pages.forEach(({ types }) => expect(types().at(-1)).toBe('away')));
  host.start();
  const last = () => pages.map(({ types }) => types().slice(-CAUGHT_UP.length));
  await vi.waitFor(() => expect(last()).toEqual([CAUGHT_UP, CAUGHT_UP]));
  expect(host.streams.size).toBe(1);
});

it('a page that does not read events itself wants a proof, too, after the connection was lost', async () => {
  const [tabs, host] = [browser(), webHost()];
  const asked: string[] = [];
  const fetcher = (async (path: string, init: RequestInit) => {
    asked.push(path);
    return await host.fetcher(path, init);
  }) as typeof fetch;
  const first = openPage(tabs, host);
  await vi.waitFor(() => expect(first.types()).toEqual(['here']));
  const second = openPage(tabs, { fetcher });
  await vi.waitFor(() => expect(second.types()).toContain('here'));
  await vi.waitFor(() => expect(host.streams.size).toBe(1));
  expect(asked).not.toContain('/api/proof');
  for (const stream of host.streams) stream.close();
  host.streams.clear();
  await vi.waitFor(() => expect(first.types().filter((type) => type === 'here')).toHaveLength(2));
  await second.services.invoke('settingsGet');
  expect(asked.slice(asked.indexOf('/api/proof'))).toEqual(['/api/proof', '/api/invoke']);
});

it('pages with different keys do not share events', async () => {
  const [tabs, host] = [browser(), webHost('new')];
  const old = openPage(tabs, host, 'old');
  await vi.waitFor(() => expect(old.types()).toContain('refused'));
  const page = openPage(tabs, host, 'new');
  await vi.waitFor(() => expect(page.types()).toEqual(['here']));
  expect(old.types()).not.toContain('here');
});

it.each<[where: string, tabs: Tabs | null]>([
  ['has neither locks nor channels', null],
  ['refuses locks', browser({ refusesLocks: true })],
  [
    'refuses channels',
    {
      ...browser(),
      openChannel: () => {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      },
    },
  ],
])('each page reads events for itself in a browser that %s', async (_, tabs) => {
  const host = webHost();
  const pages = [openPage(tabs, host), openPage(tabs, host)];
  await vi.waitFor(() => expect(host.streams.size).toBe(2));
  host.send({ type: 'chats' });
  await vi.waitFor(() => pages.forEach(({ types }) => expect(types()).toEqual(['here', 'chats'])));
});
