/** Who gets the key of the web host, and what proves that the host has it. */
import { expect, onTestFinished, test } from 'vitest';
import { KEY_ROUTE, PROOF_ROUTE, TOKEN_HEADER } from '../../../protocol/app/app-bridge.ts';
import { hostProof } from '../../../protocol/app/known-host.ts';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { startWebServer } from './server.ts';

const KEY = 'k'.repeat(43);

async function setUp() {
  const folder = await temporaryFolder();
  const newKeys: string[] = [];
  const server = await startWebServer({
    services: { invoke: () => Promise.reject(new Error('unused')), onEvent: () => () => undefined },
    key: KEY,
    onNewKey: (key) => void newKeys.push(key),
    filesOfModel: async () => null,
    ...{ rendererDir: folder, modelsDir: folder, kernelsDir: folder },
    port: 0,
  });
  onTestFinished(() => server.close());
  const post = (path: string, body: unknown, origin = server.url) =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify(body),
    });
  const listen = (key: string) => fetch(`${server.url}/api/events`, { headers: { [TOKEN_HEADER]: key } });
  return { server, newKeys, post, listen };
}

test('the host proves to any page of its own that it has the key, and does not show it', async () => {
  const { server, post } = await setUp();
  const response = await post(PROOF_ROUTE, { nonce: 'abc' });
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ result: hostProof(KEY, server.url, 'abc') });
  // The proof is about the page's own address.
  expect((await post(PROOF_ROUTE, { nonce: 'abc' }, 'http://127.0.0.1:1')).status).toBe(403);
  for (const body of [null, {}, { nonce: 1 }]) expect((await post(PROOF_ROUTE, body)).status).toBe(400);
  expect((await post(PROOF_ROUTE, { nonce: 'x'.repeat(2000) })).status).toBe(413);
});

test('a code that is presented twice replaces the key, because another program may have it', async () => {
  const { server, newKeys, post, listen } = await setUp();
  const code = server.invite();
  expect(await (await post(KEY_ROUTE, { code })).json()).toEqual({ result: KEY });
  const events = await listen(KEY);
  expect(events.status).toBe(200);
  expect((await post(KEY_ROUTE, { code: 'other' })).status).toBe(401);
  expect(newKeys).toEqual([]);

  expect((await post(KEY_ROUTE, { code })).status).toBe(401);
  const [next = ''] = newKeys;
  expect(next).toMatch(/^[\w-]{43}$/);
  expect(next).not.toBe(KEY);
  await expect(events.text(), 'events for the old key end').rejects.toThrow();
  expect((await listen(KEY)).status).toBe(401);
  expect((await post(KEY_ROUTE, { code })).status).toBe(401);
  expect(newKeys).toHaveLength(1);
  expect((await listen(next)).status).toBe(200);
  expect(await (await post(PROOF_ROUTE, { nonce: 'abc' })).json()).toEqual({
    result: hostProof(next, server.url, 'abc'),
  });
  expect(await (await post(KEY_ROUTE, { code: server.invite() })).json()).toEqual({ result: next });
});
