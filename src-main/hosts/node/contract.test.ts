/**
 * The protocol's contract over every connection in Node. `e2e/` runs it in the app and the browser. As there, the cases
 * share an engine: each has its own connection, and most use the model that the last one left.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, it } from 'vitest';
import { InferenceEngine } from '../../engine/index.ts';
import { EngineService } from '../../protocol/engine/engine-service.ts';
import { serveEngine } from '../../protocol/engine/server.ts';
import { CONTRACT_CASES, type ContractConnection } from '../../protocol/engine/test-support/contract.ts';
import { memoryTransportPair } from '../../protocol/engine/test-support/memory.ts';
import { messagePortTransport } from '../../protocol/transports/message-port.ts';
import { measurementsFile } from './measurements-file.ts';
import { openModelFolder } from './model-folder.ts';
import { nodePlatform } from './node-platform.ts';
import { startEngineThread, type EngineThread } from './spawn-engine.ts';
import { BUILT_ENGINE_WORKER } from './test-support/built-engine-worker.ts';

const modelsDir = fileURLToPath(new URL('../../../resources/models', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tokenscope-contract-'));
/** Measuring takes longer than loading. */
const measurementsPath = join(folder, 'measurements.json');

/** An engine in this thread, which receives a cancel only between tokens. */
const service = new EngineService({
  engine: new InferenceEngine({ ...nodePlatform(measurementsFile(measurementsPath)), yieldEveryToken: true }),
  openModel: (id) => openModelFolder(modelsDir, id),
});
let thread: EngineThread | null = null;

afterAll(async () => {
  await thread?.terminate();
  rmSync(folder, { recursive: true });
});

function inMemory(): ContractConnection {
  const [near, far] = memoryTransportPair();
  const server = serveEngine(far, service);
  return { transport: near, breakOff: () => server.close(), release: () => near.close() };
}

function messagePorts(): ContractConnection {
  const { port1, port2 } = new MessageChannel();
  const [near, far] = [messagePortTransport(port1), messagePortTransport(port2)];
  const server = serveEngine(far, service);
  return { transport: near, breakOff: () => server.close(), release: () => near.close() };
}

function workerThread(): ContractConnection {
  const running = (thread ??= startEngineThread({ workerUrl: BUILT_ENGINE_WORKER, modelsDir, measurementsPath }));
  const transport = running.open();
  const breakOff = () => {
    thread = null;
    void running.terminate();
  };
  return { transport, breakOff, release: () => transport.close() };
}

const REAL: readonly [name: string, connect: () => ContractConnection][] = [
  ['message ports', messagePorts],
  ['a worker thread', workerThread],
];
/** The full run has the transport that the protocol's own tests use, too. */
const CONNECTIONS = process.env.TOKENSCOPE_TEST_FULL === '1' ? [...REAL, ['memory', inMemory] as const] : REAL;

describe.each(CONNECTIONS)('the contract over %s', (_name, connect) => {
  it.each(CONTRACT_CASES)('$name', async ({ run }) => {
    const connection = connect();
    try {
      await run({ ...connection, isBesideOthers: true });
    } finally {
      await connection.release();
    }
  });
});
