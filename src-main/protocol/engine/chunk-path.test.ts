/** Cost of a chunk between the engine's thread and the page: one check, and one copy per thread boundary. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { defaultGenerateParams } from '../../engine/api/defaults.ts';
import type * as Fields from '../fields.ts';
import { FakeEngine } from './test-support/fake-engine.ts';
import { memoryTransportPair } from './test-support/memory.ts';
import type { Transport } from '../transports/transport.ts';

/** With a check that counts its calls. Loaded separately, because test files share their modules. */
async function countedModules() {
  vi.resetModules();
  vi.doMock('../fields.ts', async (importOriginal) => {
    const original = await importOriginal<typeof Fields>();
    return { ...original, parseOrRefuse: vi.fn(original.parseOrRefuse) };
  });
  return {
    ...(await import('./client.ts')),
    ...(await import('./engine-service.ts')),
    ...(await import('./relay.ts')),
    ...(await import('../fields.ts')),
    ...(await import('./server.ts')),
  };
}
let modules: Awaited<ReturnType<typeof countedModules>>;

beforeAll(async () => {
  modules = await countedModules();
});
afterAll(() => {
  vi.doUnmock('../fields.ts');
  vi.resetModules();
});

const isChunk = (message: unknown) => (message as { type?: unknown } | null)?.type === 'chunk';

let sent = 0;
let copied = 0;

/** An engine behind one thread boundary. */
function engine(): Transport {
  const service = new modules.EngineService({ engine: new FakeEngine(), openModel: () => Promise.reject(new Error()) });
  const [near, far] = memoryTransportPair();
  const counting = (message: unknown) => {
    if (isChunk(message)) sent++;
    far.post(message);
  };
  modules.serveEngine({ ...far, post: counting }, service);
  return near;
}

/** As in a browser and in a terminal: the client is in the thread beside the engine's. */
function beside(): Transport {
  return modules.linkTo(engine(), null).transport;
}

/** As in Electron, with a process between them. */
function inAnotherProcess(): Transport {
  const [near, far] = memoryTransportPair();
  modules.relay(far, beside());
  return near;
}

beforeEach(() => {
  sent = 0;
  copied = 0;
  vi.mocked(modules.parseOrRefuse).mockClear();
  const clone = structuredClone;
  vi.spyOn(globalThis, 'structuredClone').mockImplementation((value: unknown) => {
    if (isChunk(value)) copied++;
    return clone(value);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

it.each([
  ['beside the engine', beside, 1],
  ['in another process', inAnotherProcess, 2],
])('%s', async (_where, connect, borders) => {
  const client = new modules.EngineClient(connect());
  let tokens = 0;
  for await (const event of client.stream('generate', defaultGenerateParams({ kind: 'text', text: '200' }))) {
    if (event.type === 'token') tokens++;
  }
  expect(tokens).toBe(200);
  expect(sent).toBeGreaterThan(2);
  expect(copied).toBe(borders * sent);
  const checked = vi.mocked(modules.parseOrRefuse).mock.calls.filter(([, message]) => isChunk(message));
  expect(checked).toHaveLength(sent);
});
