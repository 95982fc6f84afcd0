import { request as httpRequest } from 'node:http';
import { networkInterfaces } from 'node:os';
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

interface Answer {
  status: number;
  body: string;
}

/** A request with headers that a browser would not let a page choose. */
function send(
  origin: string,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
    host = '127.0.0.1',
  }: { method?: string; headers?: Record<string, string>; body?: string; host?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host,
        port: new URL(origin).port,
        path,
        method,
        headers: { host: new URL(origin).host, ...headers },
        timeout: 2000,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const invoke = JSON.stringify({ method: 'settingsGet', params: [] });

test('the host answers only its own page, with its token', async ({ app }) => {
  await new ChatPage(app.page).ready();
  const { origin } = app;
  const token = (await app.page.locator('meta[name=tokenscope-token]').getAttribute('content')) ?? '';
  const json = { 'content-type': 'application/json' };
  const post = (headers: Record<string, string>) =>
    send(origin, '/api/invoke', { method: 'POST', headers: { ...json, ...headers }, body: invoke });

  expect((await post({ origin, 'x-tokenscope-token': token })).status).toBe(200);
  expect((await post({ origin })).status).toBe(403);
  expect((await post({ origin, 'x-tokenscope-token': 'x'.repeat(token.length) })).status).toBe(403);
  expect((await post({ origin: 'http://evil.example', 'x-tokenscope-token': token })).status).toBe(403);
  // A foreign name that was made to point at this machine (DNS rebinding).
  expect((await post({ origin, 'x-tokenscope-token': token, host: 'evil.example' })).status).toBe(403);
  expect((await send(origin, '/', { headers: { host: 'evil.example' } })).status).toBe(403);
});

test('the host serves nothing outside its folders', async ({ app }) => {
  await new ChatPage(app.page).ready();
  for (const path of [
    '/../package.json',
    '/..%2fpackage.json',
    '/models/..%2f..%2fpackage.json',
    '/models/tiny-transformer/../../../package.json',
  ]) {
    const answer = await send(app.origin, path);
    expect([400, 403, 404]).toContain(answer.status);
    expect(answer.body).not.toContain('"devDependencies"');
  }
});

test('the host cannot be reached from the network', async ({ app }) => {
  await new ChatPage(app.page).ready();
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address && !address.internal && address.family === 'IPv4');
  test.skip(!outside, 'this machine has no address but the loopback one');
  await expect(send(app.origin, '/', { host: outside?.address ?? '' })).rejects.toThrow(/ECONNREFUSED/);
});

test('bad bodies get an answer, and the host lives on', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const token = (await app.page.locator('meta[name=tokenscope-token]').getAttribute('content')) ?? '';
  const headers = { origin: app.origin, 'x-tokenscope-token': token, 'content-type': 'application/json' };
  for (const body of ['', '{', '[]', '{"method":"nope","params":[]}', '{"method":"chatGet","params":["../x"]}']) {
    const answer = await send(app.origin, '/api/invoke', { method: 'POST', headers, body });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toHaveProperty('error.code', 'BAD_REQUEST');
  }
  expect((await app.services.invoke('settingsGet')).theme).toBe('system');
});

test('the page may not be framed, and is isolated', async ({ app }) => {
  await new ChatPage(app.page).ready();
  const headers = await app.page.evaluate(async () => Object.fromEntries((await fetch(location.href)).headers));
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(await app.page.evaluate(() => crossOriginIsolated)).toBe(true);
});
