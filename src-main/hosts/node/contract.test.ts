/** The protocol's contract over every connection that exists in Node. The app and the browser run it in `e2e/`. */
import { describe, it } from 'vitest';
import { InferenceEngine } from '../../engine/index.ts';
import { EngineService } from '../../protocol/engine-service.ts';
import { serveEngine } from '../../protocol/server.ts';
import { CONTRACT_CASES, type ContractConnection } from '../../protocol/test-support/contract.ts';
import { memoryTransportPair } from '../../protocol/transports/memory.ts';
import { messagePortTransport } from '../../protocol/transports/message-port.ts';
import { openModelFolder } from './model-folder.ts';
import { nodePlatform } from './node-platform.ts';
import { spawnEngine } from './spawn-engine.ts';

const modelsDir = new URL('../../../resources/models', import.meta.url).pathname;

/** An engine in this thread, which hears a cancel only between tokens. */
function serviceInThisThread(): EngineService {
  return new EngineService({
    engine: new InferenceEngine({ ...nodePlatform(), yieldEveryToken: true }),
    openModel: (id) => openModelFolder(modelsDir, id),
  });
}

function inMemory(): ContractConnection {
  const [near, far] = memoryTransportPair();
  const server = serveEngine(far, serviceInThisThread());
  return { transport: near, breakOff: () => server.close(), release: () => near.close() };
}

function messagePorts(): ContractConnection {
  const { port1, port2 } = new MessageChannel();
  const [near, far] = [messagePortTransport(port1), messagePortTransport(port2)];
  const server = serveEngine(far, serviceInThisThread());
  return { transport: near, breakOff: () => server.close(), release: () => near.close() };
}

function workerThread(): ContractConnection {
  const workerUrl = new URL('./test-support/engine-worker.mjs', import.meta.url);
  const { transport, terminate } = spawnEngine({ workerUrl, modelsDir });
  return { transport, breakOff: () => void terminate(), release: terminate };
}

describe.each([
  ['memory', inMemory],
  ['message ports', messagePorts],
  ['a worker thread', workerThread],
])('the contract over %s', (_name, connect) => {
  it.each(CONTRACT_CASES)('$name', async ({ run }) => {
    const connection = connect();
    try {
      await run(connection);
    } finally {
      await connection.release();
    }
  });
});
