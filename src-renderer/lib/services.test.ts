import { expect, it, onTestFinished, vi } from 'vitest';
import type { AppEvent } from '../../src-main/protocol/app/app-services.ts';
import { hostProof } from '../../src-main/protocol/app/known-host.ts';
import { defaultSettings } from '../../src-main/protocol/app/settings-schemas.ts';
import { EventHub } from './event-hub.ts';
import { eventsIn } from './event-stream.ts';
import { KeyRefusedError, LAST_CALL_BYTES, electronServices, webServices } from './services.ts';

const answer = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const ORIGIN = 'http://127.0.0.1:4317';
const open = (fetcher: typeof fetch) => webServices('secret', { fetcher, origin: ORIGIN, tabs: null });

/** The host's answer to a request for a proof. */
function proof(init: RequestInit | undefined, key = 'secret'): Response {
  const { nonce } = JSON.parse(init?.body as string) as { nonce: string };
  return answer({ result: hostProof(key, ORIGIN, nonce) });
}

it('asks the server with the token, and gives its errors as they are', async () => {
  const fetcher = vi.fn<typeof fetch>();
  fetcher.mockResolvedValueOnce(answer({ result: [] }));
  const services = open(fetcher);
  expect(await services.invoke('chatsSearch', 'cat')).toEqual([]);
  const [url, init] = fetcher.mock.calls[0];
  expect(url).toBe('/api/invoke');
  expect(new Headers(init?.headers).get('x-tokenscope-token')).toBe('secret');
  expect(JSON.parse(init?.body as string)).toEqual({ method: 'chatsSearch', params: ['cat'] });

  fetcher.mockResolvedValueOnce(answer({ error: { code: 'STORAGE', message: 'Disk full.', details: {} } }, 500));
  await expect(services.invoke('chatsList')).rejects.toMatchObject({ code: 'STORAGE', message: 'Disk full.' });

  fetcher.mockResolvedValueOnce(new Response('<html>', { status: 502 }));
  await expect(services.invoke('chatsList')).rejects.toMatchObject({ code: 'STORAGE' });
  fetcher.mockResolvedValueOnce(answer({ error: { code: 'BAD_REQUEST', message: 'No.', details: {} } }, 401));
  await expect(services.invoke('chatsList')).rejects.toBeInstanceOf(KeyRefusedError);
  fetcher.mockRejectedValueOnce(new TypeError('Failed to fetch'));
  await expect(services.invoke('chatsList')).rejects.toMatchObject({ code: 'STORAGE' });
});

it('has the browser send last calls after the page is gone, as long as they are small enough together', async () => {
  const answers: ((response: Response) => void)[] = [];
  const fetcher = vi.fn<typeof fetch>(() => new Promise((resolve) => answers.push(resolve)));
  const services = open(fetcher);
  const kept = () => fetcher.mock.calls.map(([, init]) => init?.keepalive ?? false);
  const half = 'é'.repeat(LAST_CALL_BYTES / 4);
  const calls = [services.invokeLast('chatsSearch', half), services.invokeLast('chatsSearch', half)];
  // Together they are longer than a browser keeps, so the second goes like any other.
  expect(kept()).toEqual([true, false]);
  answers.forEach((give) => give(answer({ result: [] })));
  await Promise.all(calls);
  void services.invokeLast('chatsSearch', half);
  void services.invoke('chatsSearch', 'cat');
  expect(kept()).toEqual([true, false, true, false]);
});

it('listens while someone listens', async () => {
  let send: (text: string) => void = () => undefined;
  const fetcher = vi.fn<typeof fetch>(async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => (send = (text) => controller.enqueue(new TextEncoder().encode(text))),
    });
    return new Response(body);
  });
  const services = open(fetcher);
  const heard: AppEvent[] = [];
  const stop = services.onEvent((event) => heard.push(event));
  await vi.waitFor(() => expect(fetcher).toHaveBeenCalledTimes(1));
  expect(fetcher.mock.calls[0][0]).toBe('/api/events');
  send(':alive\n\ndata: {"type":"chats"}\n\nda');
  send('ta: {"type":"notice","id":"1","message":"é"}\n\n');
  const here = { type: 'host', state: 'here', message: null };
  await vi.waitFor(() => expect(heard).toEqual([here, { type: 'chats' }, { type: 'notice', id: '1', message: 'é' }]));
  stop();
  expect(fetcher.mock.calls[0][1]?.signal?.aborted).toBe(true);
});

it('reads events of several lines and with carriage returns', async () => {
  const body = new Response('event: x\r\ndata: a\r\ndata:b\r\n\r\n: nothing\n\nid: 3\n\ndata: c\n\nunfinished').body;
  const heard: string[] = [];
  for await (const data of eventsIn(body!)) heard.push(data);
  expect(heard).toEqual(['a\nb', 'c']);
});

it('unwraps what the bridge of Electron answers', async () => {
  const invoke = vi.fn().mockResolvedValueOnce({ result: null });
  const services = electronServices({ invoke, onEvent: vi.fn() } as never);
  expect(await services.invoke('chatGet', 'x')).toBeNull();
  expect(invoke).toHaveBeenCalledWith('chatGet', 'x');
  invoke.mockResolvedValueOnce({ error: { code: 'READ_ONLY', message: 'No.', details: {} } });
  await expect(services.invoke('chatGet', 'x')).rejects.toMatchObject({ code: 'READ_ONLY' });
});

it('says that the server is away, connects again by itself, and has everything read anew', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let up = true;
  let refuses = false;
  let end: () => void = () => undefined;
  const items = [{ kind: 'prompt', id: '1', name: 'Short', text: 'Answer in one sentence.' }];
  const fetcher = vi.fn<typeof fetch>(async (url, init) => {
    if (!up) throw new TypeError('Failed to fetch');
    if (refuses) return answer({ error: { code: 'BAD_REQUEST', message: 'No.', details: {} } }, 401);
    if (url === '/api/proof') return proof(init);
    if (url === '/api/invoke') {
      const { method } = JSON.parse(init?.body as string) as { method: string };
      return answer({ result: method === 'savedItems' ? items : defaultSettings() });
    }
    return new Response(new ReadableStream<Uint8Array>({ start: (controller) => (end = () => controller.close()) }));
  });
  const services = open(fetcher);
  const heard: AppEvent[] = [];
  services.onEvent((event) => heard.push(event));
  const states = () => heard.flatMap((event) => (event.type === 'host' ? [event.state] : []));
  await vi.waitFor(() => expect(states()).toEqual(['here']));

  up = false;
  end();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(states().slice(0, 2)).toEqual(['here', 'away']);
  const away = heard.at(-1);
  expect(away).toMatchObject({ state: 'away', message: expect.stringContaining('Start it again from the terminal') });
  await expect(services.invoke('chatsList')).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringContaining('This page will reconnect'),
  });

  up = true;
  heard.length = 0;
  await vi.advanceTimersByTimeAsync(2500);
  expect(heard.map(({ type }) => type)).toEqual(['host', 'chats', 'models', 'settings', 'savedItems']);
  expect(heard.at(-1)).toEqual({ type: 'savedItems', items });
  expect(states()).toEqual(['here']);

  refuses = true;
  end();
  await vi.advanceTimersByTimeAsync(2500);
  expect(heard.at(-1)).toMatchObject({ type: 'host', state: 'refused' });
});

it('does not give the key to a program that has the port of the host', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let isHost = true;
  let end: () => void = () => undefined;
  const fetcher = vi.fn<typeof fetch>(async (url, init) => {
    // The other program agrees to everything, and has a key of its own.
    if (url === '/api/proof') return proof(init, isHost ? 'secret' : 'other');
    if (url === '/api/invoke') return answer({ result: [] });
    return new Response(new ReadableStream<Uint8Array>({ start: (controller) => (end = () => controller.close()) }));
  });
  const services = open(fetcher);
  const states: string[] = [];
  services.onEvent((event) => {
    if (event.type === 'host') states.push(event.state);
  });
  await vi.waitFor(() => expect(states).toEqual(['here']));

  isHost = false;
  fetcher.mockClear();
  end();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(states.at(-1)).toBe('refused');
  const refused = { code: 'STORAGE', message: expect.stringContaining('no longer valid') as string };
  await expect(services.invoke('chatsList')).rejects.toMatchObject(refused);
  await expect(services.invokeLast('chatsList')).rejects.toMatchObject(refused);
  expect(new Set(fetcher.mock.calls.map(([url]) => url))).toEqual(new Set(['/api/proof']));
  for (const [, init] of fetcher.mock.calls) {
    expect(new Headers(init?.headers).has('x-tokenscope-token')).toBe(false);
    expect(init?.body).not.toContain('secret');
  }

  isHost = true;
  await vi.advanceTimersByTimeAsync(2500);
  expect(states.at(-1)).toBe('here');
  expect(await services.invoke('chatsList')).toEqual([]);
});

it('a listener that comes late hears the state and the notices, and each notice once', async () => {
  const hub = new EventHub();
  const notice: AppEvent = { type: 'notice', id: '1', message: 'A file was put aside.' };
  const readOnly: AppEvent = { type: 'readOnly', message: 'Another one writes.' };
  hub.emit({ type: 'readOnly', message: null });
  hub.emit(readOnly);
  hub.emit({ type: 'chats' });
  hub.emit(notice);
  // Each connection to the app begins with all notices.
  hub.emit(notice);
  const late: AppEvent[] = [];
  const stop = hub.listen((event) => late.push(event));
  await Promise.resolve();
  expect(late).toEqual([readOnly, notice]);
  hub.emit(notice);
  expect(late).toHaveLength(2);
  stop();
  hub.emit({ type: 'chats' });
  expect(late).toHaveLength(2);
});

it('in Electron asks the bridge for events once, however many listen', async () => {
  let send: (event: AppEvent) => void = () => undefined;
  const onEvent = vi.fn((listener: (event: AppEvent) => void) => (send = listener));
  const services = electronServices({ invoke: vi.fn(), onEvent } as never);
  const heard: AppEvent[][] = [[], []];
  services.onEvent((event) => heard[0].push(event));
  send({ type: 'readOnly', message: 'Another one writes.' });
  services.onEvent((event) => heard[1].push(event));
  await Promise.resolve();
  expect(onEvent).toHaveBeenCalledTimes(1);
  expect(heard[1]).toEqual([{ type: 'readOnly', message: 'Another one writes.' }]);
});
