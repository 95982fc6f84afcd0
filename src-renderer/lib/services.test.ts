import { expect, it, vi } from 'vitest';
import type { AppEvent } from '../../src-main/protocol/app-services.ts';
import { eventsIn } from './event-stream.ts';
import { electronServices, webServices } from './services.ts';

const answer = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

it('asks the server with the token, and gives its errors as they are', async () => {
  const fetcher = vi.fn<typeof fetch>();
  fetcher.mockResolvedValueOnce(answer({ result: [] }));
  const services = webServices('secret', fetcher);
  expect(await services.invoke('chatsSearch', 'cat')).toEqual([]);
  const [url, init] = fetcher.mock.calls[0];
  expect(url).toBe('/api/invoke');
  expect(new Headers(init?.headers).get('x-tokenscope-token')).toBe('secret');
  expect(JSON.parse(init?.body as string)).toEqual({ method: 'chatsSearch', params: ['cat'] });

  fetcher.mockResolvedValueOnce(answer({ error: { code: 'STORAGE', message: 'Disk full.', details: {} } }, 500));
  await expect(services.invoke('chatsList')).rejects.toMatchObject({ code: 'STORAGE', message: 'Disk full.' });

  fetcher.mockRejectedValueOnce(new TypeError('Failed to fetch'));
  await expect(services.invoke('chatsList')).rejects.toMatchObject({ code: 'STORAGE' });
  fetcher.mockResolvedValueOnce(new Response('<html>', { status: 502 }));
  await expect(services.invoke('chatsList')).rejects.toMatchObject({ code: 'STORAGE' });
});

it('listens while someone listens', async () => {
  let send: (text: string) => void = () => undefined;
  const fetcher = vi.fn<typeof fetch>(async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => (send = (text) => controller.enqueue(new TextEncoder().encode(text))),
    });
    return new Response(body);
  });
  const services = webServices('secret', fetcher);
  const heard: AppEvent[] = [];
  const stop = services.onEvent((event) => heard.push(event));
  await vi.waitFor(() => expect(fetcher).toHaveBeenCalledTimes(1));
  expect(fetcher.mock.calls[0][0]).toBe('/api/events');
  send(':alive\n\ndata: {"type":"chats"}\n\nda');
  send('ta: {"type":"notice","message":"é"}\n\n');
  await vi.waitFor(() => expect(heard).toEqual([{ type: 'chats' }, { type: 'notice', message: 'é' }]));
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
