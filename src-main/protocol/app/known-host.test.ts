import { createHmac } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { hostProof, KnownHost, UnknownHostError } from './known-host.ts';

const KEY = 'k'.repeat(43);
const ORIGIN = 'http://127.0.0.1:4317';

/** What a program at the address answers. */
type Program = (path: string, init: RequestInit) => Response;

const nonceOf = ({ body }: RequestInit) => (JSON.parse(body as string) as { nonce: string }).nonce;
const json = (value: unknown) => new Response(JSON.stringify(value));
const hostOf =
  (key: string, origin = ORIGIN): Program =>
  (path, init) =>
    json({ result: path === '/api/proof' ? hostProof(key, origin, nonceOf(init)) : 'done' });

function page(isKnown: boolean) {
  const asked: { path: string; key: string | null }[] = [];
  const at: { program: Program | null } = { program: hostOf(KEY) };
  const fetcher = (async (path: string, init: RequestInit) => {
    asked.push({ path, key: new Headers(init.headers).get('x-tokenscope-token') });
    if (at.program === null) throw new TypeError('Failed to fetch');
    return at.program(path, init);
  }) as typeof fetch;
  return { asked, at, host: new KnownHost({ key: KEY, origin: ORIGIN, fetcher, isKnown }) };
}

test('the proof is an HMAC-SHA256 of origin and nonce', () => {
  const expected = createHmac('sha256', KEY).update(`${ORIGIN} nonce`).digest('hex');
  expect(hostProof(KEY, ORIGIN, 'nonce')).toBe(expected);
});

test('the host that sent the page gets the key at once, after a lost connection only with a proof', async () => {
  const { asked, at, host } = page(true);
  void host.fetch('/api/invoke', {});
  expect(asked).toEqual([{ path: '/api/invoke', key: KEY }]);
  at.program = null;
  await expect(host.fetch('/api/invoke')).rejects.toThrow('Failed to fetch');
  await expect(host.fetch('/api/invoke')).rejects.toThrow('Failed to fetch');
  at.program = hostOf(KEY);
  asked.length = 0;
  const answers = await Promise.all([host.fetch('/api/invoke'), host.fetch('/api/invoke')]);
  expect(await answers[1].json()).toEqual({ result: 'done' });
  const call = { path: '/api/invoke', key: KEY };
  expect(asked, 'one proof for both').toEqual([{ path: '/api/proof', key: null }, call, call]);
});

test.each<[what: string, program: Program]>([
  ['agrees to everything', () => json({ result: true })],
  ['sends no JSON', () => new Response('<html>')],
  ['sends null', () => json(null)],
  ['has another key', hostOf('x'.repeat(43))],
  ['passes on the proof of a host on another port', hostOf(KEY, 'http://127.0.0.1:4318')],
])('a program that %s does not get the key', async (_, program) => {
  const { asked, at, host } = page(true);
  host.lost();
  at.program = program;
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(host.fetch('/api/invoke')).rejects.toBeInstanceOf(UnknownHostError);
  }
  expect(asked.map(({ path }) => path)).toEqual(['/api/proof', '/api/proof']);
  at.program = hostOf(KEY);
  expect((await host.fetch('/api/invoke')).ok).toBe(true);
});

test('a request that the page itself ends is no lost connection', async () => {
  const { asked, at, host } = page(true);
  at.program = null;
  await expect(host.fetch('/api/events', { signal: AbortSignal.abort() })).rejects.toThrow('Failed to fetch');
  at.program = hostOf(KEY);
  await host.fetch('/api/invoke');
  expect(asked.map(({ path }) => path)).toEqual(['/api/events', '/api/invoke']);
});

test('a proof from before a connection was lost does not count', async () => {
  const { asked, at, host } = page(false);
  const answer = vi.fn(hostOf(KEY));
  answer.mockImplementationOnce((path, init) => {
    host.lost();
    return hostOf(KEY)(path, init);
  });
  at.program = answer;
  await host.fetch('/api/invoke');
  expect(asked.map(({ path }) => path)).toEqual(['/api/proof', '/api/proof', '/api/invoke']);
});
