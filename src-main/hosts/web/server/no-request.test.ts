/** The web host with all services and the app's catalogue: no request leaves this computer before a click. */
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { TOKEN_HEADER, type AppAnswer } from '../../../protocol/app/app-bridge.ts';
import type { AppMethodName, AppMethods } from '../../../protocol/app/app-services.ts';
import { LocalAppServices } from '../../../services/app-services.ts';
import { PartFile } from '../../../services/models/download/part-file.ts';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { startWebServer } from './server.ts';

const RESOURCES = fileURLToPath(new URL('../../../../resources', import.meta.url));
const KEY = 'k'.repeat(43);
const STORIES = { id: 'stories15m-q4_0', file: 'stories15M-q4_0.gguf' };

/** A proxy that blocks everything and records requests. */
async function recordingProxy(): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(403).end();
  });
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    socket.end('HTTP/1.1 403 No\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Records every port that this process connects to from now on. */
function connections(): Set<string> {
  const places = new Set<string>();
  const connect = vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...args: unknown[]) {
    // Node's own callers pass their arguments as one array.
    const [first] = (Array.isArray(args[0]) ? args[0] : args) as [{ host?: string; port?: number }];
    places.add(`${first.host ?? 'localhost'}:${first.port}`);
    return Reflect.apply(original, this, args) as Socket;
  });
  onTestFinished(() => connect.mockRestore());
  return places;
}
const original = Socket.prototype.connect as (...args: unknown[]) => Socket;

test('no request leaves before a click, and then only the one for the click', async () => {
  const proxy = await recordingProxy();
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'ALL_PROXY'])
    vi.stubEnv(name, `http://${proxy.address}`);
  for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
  onTestFinished(() => void vi.unstubAllEnvs());
  const dataFolder = await temporaryFolder();
  const models = join(dataFolder, 'models');
  await mkdir(models);
  // An earlier start left a partial download.
  const part = new PartFile(models, STORIES.file);
  const state = { version: 1, catalogueId: STORIES.id, validator: '"x"', totalBytes: 19_077_344 } as const;
  const file = await part.begin(0, state);
  await file.writeFile(Buffer.alloc(1000));
  await file.close();

  const places = connections();
  const services = new LocalAppServices({
    host: 'web',
    dataFolder,
    modelsDir: join(RESOURCES, 'models'),
    openExternal: async () => undefined,
    restartEngine: async () => undefined,
  });
  await services.start();
  onTestFinished(() => services.stop());
  const server = await startWebServer({
    services,
    key: KEY,
    filesOfModel: (id) => services.filesOfModel(id),
    rendererDir: dataFolder,
    modelsDir: join(RESOURCES, 'models'),
    kernelsDir: join(RESOURCES, 'kernels'),
    port: 0,
  });
  onTestFinished(() => server.close());
  const headers = { 'content-type': 'application/json', origin: server.url, [TOKEN_HEADER]: KEY };
  async function call<M extends AppMethodName>(method: M, ...params: AppMethods[M]['params']) {
    const body = JSON.stringify({ method, params });
    const response = await fetch(`${server.url}/api/invoke`, { method: 'POST', headers, body });
    const answer = (await response.json()) as AppAnswer;
    if ('error' in answer) throw new Error(answer.error.message);
    return answer.result as AppMethods[M]['result'];
  }

  await call('settingsSet', { downloads: { mirror: 'https://mirror.invalid', proxy: null } });
  for (const method of ['about', 'settingsGet', 'chatsList', 'systemMemory', 'modelsFound', 'modelsFolder'] as const) {
    await call(method);
  }
  expect((await call('catalogueList')).length).toBeGreaterThan(5);
  expect(await call('downloadsList')).toMatchObject([{ id: STORIES.id, phase: 'paused', bytes: 1000 }]);
  expect(await call('modelsList')).toHaveLength(1);
  await call('modelUsed', 'tiny-transformer');
  expect(await call('networkLog')).toEqual([]);
  expect(proxy.asked).toEqual([]);
  // The test's own requests to the web host.
  const ours = `127.0.0.1:${server.port}`;
  expect([...places]).toEqual([ours]);

  await call('downloadResume', STORIES.id);
  await expect.poll(async () => (await call('downloadsList'))[0]?.phase).toBe('failed');
  expect(proxy.asked).toEqual(['mirror.invalid:443']);
  expect([...places]).toEqual([ours, proxy.address]);
  expect(await call('networkLog')).toMatchObject([
    { url: expect.stringContaining('https://mirror.invalid/') as string, result: 'failed', bytes: 0 },
  ]);
});
