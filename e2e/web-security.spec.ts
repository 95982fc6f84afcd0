import { request as httpRequest } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations } from './support/axe.ts';
import { expect, test } from './support/test.ts';
import { signedInAddress, webKey } from './support/web-key.ts';

interface Answer {
  status: number;
  body: string;
}

/** A request with headers that a browser does not let a page set. */
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

test('the host answers only its own page, with its key', async ({ app }) => {
  await new ChatPage(app.page).ready();
  const { origin } = app;
  const key = await webKey(app.dataDir);
  const json = { 'content-type': 'application/json' };
  const post = (headers: Record<string, string>) =>
    send(origin, '/api/invoke', { method: 'POST', headers: { ...json, ...headers }, body: invoke });

  expect((await post({ origin, 'x-tokenscope-token': key })).status).toBe(200);
  expect((await post({ origin })).status).toBe(401);
  expect((await post({ origin, 'x-tokenscope-token': 'x'.repeat(key.length) })).status).toBe(401);
  expect((await post({ origin: 'http://evil.example', 'x-tokenscope-token': key })).status).toBe(403);
  // A foreign name that resolves to this machine (DNS rebinding).
  expect((await post({ origin, 'x-tokenscope-token': key, host: 'evil.example' })).status).toBe(403);
  expect((await send(origin, '/', { headers: { host: 'evil.example' } })).status).toBe(403);
});

test('no other program gets the key from the host, and a page without it explains how to get it', async ({ app }) => {
  app.guard.allow(/status of 401/);
  const chat = new ChatPage(app.page);
  await chat.ready();
  const { origin, dataDir } = app;
  const key = await webKey(dataDir);
  expect(await app.page.evaluate(() => location.href)).toBe(`${origin}/`);
  expect(await app.page.content()).not.toContain(key);
  for (const path of ['/', '/index.html', '/?key', '/engine.worker.js', '/web-key', '/favicon.ico']) {
    expect((await send(origin, path)).body, path).not.toContain(key);
  }
  await app.page.reload();
  await chat.ready();
  const printed = (folder: string, ...more: string[]) =>
    capture(process.execPath, [join(root, 'out/main/web-host.js'), '--address', ...more], {
      env: { ...process.env, TOKENSCOPE_DATA_DIR: folder },
    });
  expect(await printed(dataDir)).toMatchObject({ code: 0, stdout: `${origin}/#key=${key}\n` });
  expect(await printed(dataDir, '--port', '1')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('Leave out --port 1.'),
  });
  expect(await printed(join(dataDir, 'other'))).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('start it with "npm start -- --web"'),
  });

  // Another tab has no key: the plain address was bookmarked, or someone else opens it.
  const tab = await app.context.newPage();
  await tab.goto(origin);
  await expect(tab.getByTestId('no-key')).toContainText('Open the address from the terminal');
  await expect(tab.getByTestId('address-command')).toHaveText('npm start -- --address');
  await expectNoViolations(tab, 'the page without a key');
  await tab.goto(`${origin}/#key=${'x'.repeat(43)}`);
  await expect(tab.getByTestId('no-key')).toContainText('no longer valid');
  // In the address bar of that tab.
  await tab.goto(await signedInAddress(origin, dataDir));
  await new ChatPage(tab).ready();
  expect(tab.url()).toBe(`${origin}/`);
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

test('invalid bodies get a response, and the host still works', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const headers = {
    origin: app.origin,
    'x-tokenscope-token': await webKey(app.dataDir),
    'content-type': 'application/json',
  };
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
