import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { TOKEN_HEADER } from '../../../protocol/app/app-bridge.ts';
import type { AppEvent } from '../../../protocol/app/app-services.ts';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { startWebServer } from './server.ts';

const KEY = 'k'.repeat(43);

test('a page that does not read its events is disconnected', async () => {
  const folder = await temporaryFolder();
  const listeners = new Set<(event: AppEvent) => void>();
  const server = await startWebServer({
    services: {
      invoke: () => Promise.reject(new Error('unused')),
      onEvent: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    key: KEY,
    filesOfModel: async () => null,
    ...{ rendererDir: folder, modelsDir: folder, kernelsDir: folder },
    port: 0,
  });
  onTestFinished(() => server.close());
  const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.write(`GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${TOKEN_HEADER}: ${KEY}\r\n\r\n`);
  await expect.poll(() => listeners.size).toBe(1);
  const message = 'x'.repeat(1_000_000);
  for (let sent = 0; sent < 20; sent++) {
    for (const listener of listeners) listener({ type: 'notice', id: String(sent), message });
  }
  await expect.poll(() => listeners.size).toBe(0);
  socket.resume();
  await closed;
});
