import { once } from 'node:events';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ServedModel } from '../../../protocol/app/app-bridge.ts';
import type { AppEvent, AppServices } from '../../../protocol/app/app-services.ts';
import { LocalAppServices } from '../../../services/app-services.ts';
import { ModelLibrary } from '../../../services/models/library.ts';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { openerOf } from './open-browser.ts';
import { startWebServer, type WebServer } from './server.ts';

const KEY = 'k'.repeat(43);
/** Content of files that are never served. */
const SECRET = 'not for pages';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

async function setUp(maxBodyBytes?: number) {
  const folder = await temporaryFolder();
  const [rendererDir, modelsDir, kernelsDir] = ['renderer', 'models', 'kernels'].map((name) => join(folder, name));
  await mkdir(join(rendererDir, 'assets'), { recursive: true });
  await mkdir(join(modelsDir, 'm'), { recursive: true });
  await writeFile(join(rendererDir, 'index.html'), '<!doctype html><html><head><title>T</title></head></html>');
  await writeFile(join(rendererDir, 'assets', 'a.js'), 'let a = 1;');
  await writeFile(join(modelsDir, 'm', 'model.safetensors'), '0123456789');
  await mkdir(kernelsDir);
  await writeFile(join(kernelsDir, 'simd.wasm'), 'wasm');
  await writeFile(join(rendererDir, 'engine.worker.js'), 'let b = 1;');
  await writeFile(join(folder, 'secret.txt'), SECRET);
  await mkdir(join(modelsDir, 'tiny-transformer'));
  for (const name of ['model.safetensors', 'tokenizer.json', 'config.json']) {
    await writeFile(join(modelsDir, 'tiny-transformer', name), '');
  }
  const services = new LocalAppServices({
    host: 'web',
    dataFolder: join(folder, 'data'),
    modelsDir,
    openExternal: async () => undefined,
    restartEngine: async () => undefined,
  });
  await services.start();
  const server = await startWebServer({
    services,
    filesOfModel: (id) => services.filesOfModel(id),
    key: KEY,
    rendererDir,
    modelsDir,
    kernelsDir,
    port: 0,
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
  });
  onTestFinished(async () => {
    await server.close();
    await services.stop();
  });
  return { server: { ...server, dataFolder: join(folder, 'data') }, services };
}

/** Like a browser's request, but with arbitrary headers and an unchanged path. */
function send(
  server: WebServer,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const request = httpRequest(
      { host: '127.0.0.1', port: server.port, path, method, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function call(server: WebServer, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return send(server, '/api/invoke', {
    method: 'POST',
    headers: {
      origin: server.url,
      'content-type': 'application/json',
      'x-tokenscope-token': KEY,
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

test('the page comes without the key and with every protecting header', async () => {
  const { server } = await setUp();
  const page = await send(server, '/');
  expect(page.status).toBe(200);
  expect(page.body).toBe('<!doctype html><html><head><title>T</title></head></html>');
  expect(JSON.stringify(page)).not.toContain(KEY);
  expect((await send(server, '/index.html')).body).toBe(page.body);
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  const script = await send(server, '/assets/a.js', { headers: { 'sec-fetch-site': 'same-origin' } });
  expect(script).toMatchObject({ status: 200, body: 'let a = 1;' });
  expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
  expect((await send(server, '/', { method: 'HEAD' })).body).toBe('');
  expect((await send(server, '/favicon.ico')).status).toBe(204);
});

test('kernels are served, and only the scripts that run them may compile WebAssembly', async () => {
  const { server } = await setUp();
  const kernels = await send(server, '/kernels/simd.wasm');
  expect(kernels).toMatchObject({ status: 200, body: 'wasm' });
  expect(kernels.headers['content-type']).toBe('application/wasm');
  expect((await send(server, '/kernels/../secret.txt')).status).toBe(404);
  expect((await send(server, '/kernels')).status).toBe(404);
  const policyOf = async (path: string) => (await send(server, path)).headers['content-security-policy'];
  expect(await policyOf('/engine.worker.js')).toContain("script-src 'self' 'wasm-unsafe-eval';");
  for (const path of ['/', '/assets/a.js', '/kernels/simd.wasm']) expect(await policyOf(path)).not.toContain('wasm');
});

test('a foreign Host is refused, on files and on calls', async () => {
  const { server } = await setUp();
  for (const host of [
    'evil.example',
    `evil.example:${server.port}`,
    '127.0.0.1',
    '127.0.0.1:1',
    `[::1]:${server.port}`,
  ]) {
    expect((await send(server, '/', { headers: { host } })).status, host).toBe(403);
    expect((await call(server, { method: 'about', params: [] }, { host })).status, host).toBe(403);
  }
  expect((await send(server, '/', { headers: { host: `localhost:${server.port}` } })).status).toBe(200);
});

test('a foreign or missing Origin is refused', async () => {
  const { server } = await setUp();
  const about = { method: 'about', params: [] };
  for (const origin of [
    'https://evil.example',
    'null',
    `https://127.0.0.1:${server.port}`,
    `http://localhost:${server.port}`,
  ]) {
    expect((await call(server, about, { origin })).status, origin).toBe(403);
    expect((await send(server, '/api/events', { headers: { origin, 'x-tokenscope-token': KEY } })).status).toBe(403);
    expect((await send(server, '/', { headers: { origin } })).status, origin).toBe(403);
  }
  const headers = { 'content-type': 'application/json', 'x-tokenscope-token': KEY };
  expect((await send(server, '/api/invoke', { method: 'POST', headers, body: JSON.stringify(about) })).status).toBe(
    403,
  );
  expect((await send(server, '/assets/a.js', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
  const opened = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  expect((await send(server, '/', { headers: opened })).status).toBe(200);
});

test('no call, no event and no file of the library without the key', async () => {
  const { server } = await setUp();
  for (const key of ['', 'wrong', `${KEY}x`, KEY.slice(1), KEY.replace('k', 'K')]) {
    const headers = { 'x-tokenscope-token': key };
    const answer = await call(server, { method: 'about', params: [] }, headers);
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'BAD_REQUEST', message: expect.any(String) } });
    expect((await send(server, '/api/events', { headers })).status).toBe(401);
    expect((await send(server, '/api/models/tiny-transformer', { headers })).status).toBe(401);
  }
  // Not in the address either, where it would be logged.
  expect((await send(server, `/api/events?key=${KEY}`)).status).toBe(401);
});

test('an invited page gets the key, once', async () => {
  const { server } = await setUp();
  const ask = async (code: unknown, headers: Record<string, string> = {}) =>
    await send(server, '/api/key', {
      method: 'POST',
      headers: { origin: server.url, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ code }),
    });
  const code = server.invite();
  for (const wrong of [undefined, null, 1, '', code.slice(1), {}]) expect((await ask(wrong)).status).toBe(401);
  expect((await ask(code, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await send(server, `/api/key?code=${code}`)).status).toBe(401);
  expect(JSON.parse((await ask(code)).body)).toEqual({ result: KEY });
  expect((await ask(code)).status).toBe(401);
});

test('a host that shuts down lets its pages save first, and waits for them', async () => {
  const { server, services } = await setUp();
  const response = await fetch(`${server.url}/api/events`, { headers: { 'x-tokenscope-token': KEY } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const closing = server.close();
  while (!text.includes('"state":"leaving"')) text += (await reader.read()).value ?? '';
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await call(server, { method: 'settingsSet', params: [{ theme: 'dark' }] })).status).toBe(200);
  await closing;
  expect((await services.invoke('settingsGet')).theme).toBe('dark');
  await expect(call(server, { method: 'about', params: [] })).rejects.toThrow('ECONNREFUSED');
});

test('a page that keeps sending requests does not prevent its host from shutting down', async () => {
  const { server } = await setUp();
  await fetch(`${server.url}/api/events`, { headers: { 'x-tokenscope-token': KEY } });
  const asking = setInterval(() => void call(server, { method: 'about', params: [] }).catch(() => undefined), 10);
  const begin = performance.now();
  await server.close(300);
  clearInterval(asking);
  expect(performance.now() - begin).toBeLessThan(10_000);
});

test('a call is answered as data, and so is its error', async () => {
  const { server } = await setUp();
  const answer = await call(server, { method: 'about', params: [] });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toMatchObject({ result: { name: 'Tokenscope', host: 'web' } });
  for (const body of [
    '{',
    '',
    'null',
    '"x"',
    { method: 'nothing' },
    { method: 'chatGet', params: ['../x'] },
    { method: 'about', params: {} },
  ]) {
    const bad = await call(server, body);
    expect(bad.status, JSON.stringify(body)).toBe(400);
    expect(JSON.parse(bad.body)).toMatchObject({ error: { code: 'BAD_REQUEST' } });
  }
  expect((await call(server, {}, { 'content-type': 'text/plain' })).status).toBe(415);
  expect((await call(server, Buffer.from([0x22, 0xff, 0x22]).toString('latin1'))).status).toBe(400);
});

test('a body that is too large is refused, announced or not', async () => {
  const { server } = await setUp(1000);
  const body = JSON.stringify({ method: 'about', params: ['x'.repeat(2000)] });
  expect((await call(server, body)).status).toBe(413);
  const chunked = await call(server, body, { 'transfer-encoding': 'chunked' });
  expect(chunked.status).toBe(413);
  expect((await call(server, { method: 'about', params: [] })).status).toBe(200);
});

test.each([
  '/../secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/models/../../secret.txt',
  '/models/m/../../../secret.txt',
  '/assets',
  '/nothing',
  '/api',
])('%s is not served', async (path) => {
  const { server } = await setUp();
  const answer = await send(server, path, { headers: { 'x-tokenscope-token': KEY } });
  expect(answer.status).toBe(404);
  expect(answer.body).not.toContain(SECRET);
});

test('model files are served completely or in ranges', async () => {
  const { server } = await setUp();
  const path = '/models/m/model.safetensors';
  expect(await send(server, path)).toMatchObject({ status: 200, body: '0123456789' });
  const part = await send(server, path, { headers: { range: 'bytes=2-4' } });
  expect(part).toMatchObject({ status: 206, body: '234' });
  expect(part.headers).toMatchObject({ 'content-range': 'bytes 2-4/10', 'content-length': '3' });
  const past = await send(server, path, { headers: { range: 'bytes=10-' } });
  expect(past.status).toBe(416);
  expect(past.headers['content-range']).toBe('bytes */10');
  expect((await send(server, path, { method: 'HEAD' })).headers['content-length']).toBe('10');
});

test('files of the library are served by id and name, completely or in ranges, only with the key, and nothing else is', async () => {
  const { server } = await setUp();
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'smol'));
  await writeFile(join(folder, 'smol', 'config.json'), '{}');
  await writeFile(join(folder, 'smol', 'model-00001-of-00002.safetensors'), '0123456789');
  await writeFile(join(folder, 'smol', 'model-00002-of-00002.safetensors'), 'abc');
  await writeFile(join(folder, 'smol', 'notes.txt'), SECRET);
  await writeFile(join(folder, 'secret.json'), SECRET);
  // Like the terminal or the app, while the web host runs.
  const library = new ModelLibrary(server.dataFolder, [], () => undefined);
  const { id } = await library.add(join(folder, 'smol'));
  expect(id).toBe('smol');
  const headers = { 'x-tokenscope-token': KEY };
  const get = (path: string, more: Record<string, string> = {}) =>
    send(server, `/api/models/${path}`, { headers: { ...headers, ...more } });

  const listed = JSON.parse((await call(server, { method: 'modelsList', params: [] })).body) as { result: unknown };
  expect(listed.result).toMatchObject([
    { builtIn: true },
    { id, source: 'folder', fileBytes: 15, path: join(folder, 'smol') },
  ]);
  const model = () => get('smol').then(({ body }) => JSON.parse(body) as { result: ServedModel });
  const { stamp } = (await model()).result;
  expect(stamp).toMatch(/^[\w-]{43}$/);
  expect(await model()).toEqual({
    result: {
      name: 'smol',
      stamp,
      files: [
        { name: 'config.json', size: 2 },
        { name: 'model-00001-of-00002.safetensors', size: 10 },
        { name: 'model-00002-of-00002.safetensors', size: 3 },
      ],
    },
  });
  await utimes(join(folder, 'smol', 'config.json'), new Date(), new Date(Date.now() + 5000));
  expect((await model()).result.stamp).not.toBe(stamp);
  expect(await get('smol/model-00001-of-00002.safetensors')).toMatchObject({ status: 200, body: '0123456789' });
  const part = await get('smol/model-00001-of-00002.safetensors', { range: 'bytes=8-' });
  expect(part).toMatchObject({ status: 206, body: '89' });
  expect(part.headers['content-range']).toBe('bytes 8-9/10');
  expect(JSON.parse((await get('other')).body)).toEqual({ result: null });

  for (const path of [
    'smol/notes.txt',
    'smol/..%2Fsecret.json',
    'smol/%2e%2e/secret.json',
    'smol/a/b',
    '..%2fsmol',
    'smol/%',
    '',
  ]) {
    const answer = await get(path);
    expect(answer.status, path).toBe(404);
    expect(answer.body).not.toContain(SECRET);
  }
  expect((await send(server, '/api/models/smol')).status).toBe(401);
  expect((await send(server, '/api/models/smol/config.json')).status).toBe(401);
  await rm(join(folder, 'smol'), { recursive: true });
  expect(JSON.parse((await get('smol')).body)).toMatchObject({ error: { code: 'MODEL_NOT_FOUND' } });
  expect((await get('smol/config.json')).status).toBe(404);
});

test('other methods are refused', async () => {
  const { server } = await setUp();
  const headers = { origin: server.url, 'x-tokenscope-token': KEY };
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    expect((await send(server, '/', { method, headers })).status, method).toBe(405);
  }
  expect((await send(server, '/api/invoke', { headers })).status).toBe(405);
});

test('events are streamed to the page until it disconnects', async () => {
  const { server, services } = await setUp();
  services.emit({ type: 'engine', state: 'ready', message: null });
  const leaving = new AbortController();
  const response = await fetch(`${server.url}/api/events`, {
    headers: { 'x-tokenscope-token': KEY },
    signal: leaving.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const until = async (wanted: string) => {
    while (!text.includes(wanted)) text += (await reader.read()).value ?? '';
  };
  await until('data: {"type":"engine","state":"ready","message":null}\n\n');
  services.emit({ type: 'chats' });
  await until('data: {"type":"chats"}\n\n');
  leaving.abort();
});

test('a listener is removed when its page is gone, and open streams do not delay shutdown', async () => {
  let listeners = 0;
  const services: AppServices = {
    invoke: () => Promise.reject(new Error('unused')),
    onEvent: (listener: (event: AppEvent) => void) => {
      listeners++;
      listener({ type: 'chats' });
      return () => void listeners--;
    },
  };
  const server = await startWebServer({ ...(await unused()), services, port: 0 });
  const headers = { 'x-tokenscope-token': KEY };
  const leaving = new AbortController();
  await fetch(`${server.url}/api/events`, { headers, signal: leaving.signal });
  expect(listeners).toBe(1);
  leaving.abort();
  await expect.poll(() => listeners).toBe(0);
  await fetch(`${server.url}/api/events`, { headers });
  await server.close();
  await expect.poll(() => listeners).toBe(0);
});

test('the server listens on this computer only, and invalid requests do not stop it', async () => {
  const { server } = await setUp();
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  for (const { address } of addresses.filter(({ internal, family }) => !internal && family === 'IPv4')) {
    await expect(once(connect(server.port, address), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  }
  const socket = connect(server.port, '127.0.0.1');
  socket.end('\x16\x03\x01 this is not HTTP\r\n\r\n');
  await new Promise((resolve) => socket.on('close', resolve).resume());
  expect((await send(server, '/')).status).toBe(200);
  await expect(startWebServer({ ...(await unused()), port: server.port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});

async function unused() {
  const folder = await temporaryFolder();
  const services: AppServices = { invoke: () => Promise.reject(new Error('unused')), onEvent: () => () => undefined };
  return {
    services,
    key: KEY,
    filesOfModel: async () => null,
    rendererDir: folder,
    modelsDir: folder,
    kernelsDir: folder,
  };
}

test('the browser is opened without a shell', () => {
  const url = 'https://example.org/?a=1&b=$(id)';
  for (const platform of ['linux', 'darwin', 'win32'] as const) {
    const [command, args] = openerOf(platform, url);
    expect(command).not.toContain('cmd');
    expect(args.join(' ')).toContain(url);
  }
});
