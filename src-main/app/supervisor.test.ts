import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { UtilityMessage } from '../protocol/app/utility-messages.ts';
import { EngineSupervisor, type EngineProcess } from './supervisor.ts';

/** A scripted process. */
class FakeProcess implements EngineProcess<string> {
  readonly posted: { message: unknown; ports: string[] }[] = [];
  asked = 0;
  pid: number | undefined;
  /** Ignores requests to exit. */
  stubborn = false;
  #onMessage: (message: UtilityMessage) => void = () => undefined;
  #onExit: (code: number) => void = () => undefined;
  /** As an event emitter does. */
  #onError: (type: string, location: string) => void = (type) => {
    throw new Error(`Nobody handles the error ${type}.`);
  };

  constructor(pid: number) {
    this.pid = pid;
  }

  on(
    event: 'message' | 'exit' | 'error',
    listener: ((message: UtilityMessage) => void) &
      ((code: number) => void) &
      ((type: string, location: string) => void),
  ): void {
    if (event === 'message') this.#onMessage = listener;
    else if (event === 'exit') this.#onExit = listener;
    else this.#onError = listener;
  }

  postMessage(message: unknown, ports: string[]): void {
    this.posted.push({ message, ports });
  }

  kill(): boolean {
    this.asked++;
    if (!this.stubborn) queueMicrotask(() => this.exit(0));
    return true;
  }

  say(message: UtilityMessage): void {
    this.#onMessage(message);
  }

  exit(code: number): void {
    this.#onExit(code);
  }

  failInV8(location: string): void {
    this.#onError('FatalError', location);
  }
}

function setUp() {
  const processes: FakeProcess[] = [];
  const delivered: string[] = [];
  const states: string[] = [];
  const messages: (string | null)[] = [];
  const modelChanges: boolean[] = [];
  const gpu = { problem: null as string | null, closed: 0 };
  let channels = 0;
  const supervisor = new EngineSupervisor<string>({
    fork: () => {
      const made = new FakeProcess(1000 + processes.length);
      processes.push(made);
      return made;
    },
    createChannel: () => ({ port1: `engine-${++channels}`, port2: `page-${channels}` }),
    deliver: (port, pageId) => delivered.push(pageId === 1 ? port : `${port} of page ${pageId}`),
    emit: (event) => {
      if (event.type === 'engineModel') return void modelChanges.push(event.changing);
      states.push(event.state);
      messages.push(event.message);
    },
    locate: (modelId) => (modelId === 'opened-1' ? '/models/one.gguf' : null),
    gpu: {
      connect: () => (gpu.problem === null ? Promise.resolve('gpu') : Promise.reject(new Error(gpu.problem))),
      close: () => void gpu.closed++,
    },
    forceKill: (pid) => processes.find((made) => made.pid === pid)?.exit(9),
    times: { backOffMs: [0, 500, 2000], quickDeathMs: 30_000, startMs: 10_000, killMs: 1000 },
  });
  const latest = (): FakeProcess => processes.at(-1)!;
  return { supervisor, processes, delivered, states, messages, modelChanges, gpu, latest };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a port requested early is sent once the engine is ready, and its other end to the engine', () => {
  const { supervisor, delivered, latest, states } = setUp();
  supervisor.start();
  supervisor.start();
  supervisor.requestPort(1);
  expect(delivered).toEqual([]);
  latest().say({ type: 'ready' });
  expect(delivered).toEqual(['page-1']);
  expect(latest().posted).toEqual([{ message: { type: 'port', windowId: 1 }, ports: ['engine-1'] }]);
  supervisor.requestPort(1);
  expect(delivered).toEqual(['page-1', 'page-2']);
  expect(states).toEqual(['starting', 'ready']);
});

test('the engine receives the paths of opened models only', () => {
  const { supervisor, latest } = setUp();
  supervisor.start();
  latest().say({ type: 'locate', request: 1, modelId: 'opened-1' });
  latest().say({ type: 'locate', request: 2, modelId: '../etc' });
  expect(latest().posted.map(({ message }) => message)).toEqual([
    { type: 'located', request: 1, path: '/models/one.gguf' },
    { type: 'located', request: 2, path: null },
  ]);
});

test('no port is sent to a page that did not request one', () => {
  const { supervisor, delivered, latest } = setUp();
  supervisor.start();
  latest().say({ type: 'ready' });
  expect(delivered).toEqual([]);
});

test('each page has its own port, also after a restart, until it is closed', async () => {
  const { supervisor, delivered, latest } = setUp();
  supervisor.start();
  supervisor.requestPort(1);
  supervisor.requestPort(2);
  latest().say({ type: 'ready' });
  expect(delivered).toEqual(['page-1', 'page-2 of page 2']);
  expect(latest().posted.map(({ message }) => message)).toEqual([
    { type: 'port', windowId: 1 },
    { type: 'port', windowId: 2 },
  ]);
  supervisor.removePage(1);
  latest().exit(1);
  await vi.advanceTimersByTimeAsync(0);
  latest().say({ type: 'ready' });
  expect(delivered.slice(2)).toEqual(['page-3 of page 2']);
});

test('the pages hear of a change of the model', () => {
  const { supervisor, latest, modelChanges } = setUp();
  supervisor.start();
  latest().say({ type: 'model', changing: true });
  latest().say({ type: 'model', changing: false });
  expect(modelChanges).toEqual([true, false]);
});

test('a crashed engine is restarted at once and the page gets a new port', async () => {
  const { supervisor, processes, delivered, latest, states, messages } = setUp();
  supervisor.start();
  supervisor.requestPort(1);
  latest().say({ type: 'ready' });
  latest().exit(137);
  await vi.advanceTimersByTimeAsync(0);
  latest().say({ type: 'ready' });
  expect(processes).toHaveLength(2);
  expect(delivered).toEqual(['page-1', 'page-2']);
  expect(states).toEqual(['starting', 'ready', 'lost', 'starting', 'ready']);
  expect(messages[2]).toContain('exit code 137');
});

test('a fatal error in V8 is the reason of the crash', async () => {
  const { supervisor, processes, latest, messages } = setUp();
  supervisor.start();
  latest().say({ type: 'ready' });
  latest().failInV8('v8::Object::New');
  latest().exit(1);
  expect(messages.at(-1)).toBe('The engine crashed (fatal error in V8: v8::Object::New). Restarting it.');
  await vi.advanceTimersByTimeAsync(0);
  expect(processes).toHaveLength(2);
});

test('a page receives no port of a process that is about to exit, and one of the next process', async () => {
  const { supervisor, delivered, latest } = setUp();
  supervisor.start();
  supervisor.requestPort(1);
  latest().say({ type: 'ready' });
  latest().say({ type: 'failed', reason: 'out of memory' });
  // Its port was closed.
  supervisor.requestPort(1);
  expect(delivered).toEqual(['page-1']);
  latest().exit(3);
  await vi.advanceTimersByTimeAsync(0);
  latest().say({ type: 'ready' });
  expect(delivered).toEqual(['page-1', 'page-2']);
});

test('restarts after quick crashes are delayed more and more, and then stop until a person asks', async () => {
  const { supervisor, processes, latest, messages, states } = setUp();
  supervisor.start();
  for (const [waitMs, count] of [
    [0, 2],
    [500, 3],
    [2000, 4],
  ] as const) {
    latest().say({ type: 'failed', reason: 'out of memory' });
    latest().exit(3);
    await vi.advanceTimersByTimeAsync(Math.max(0, waitMs - 1));
    if (waitMs > 0) expect(processes).toHaveLength(count - 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(processes).toHaveLength(count);
  }
  latest().exit(3);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(processes).toHaveLength(4);
  expect(states.at(-1)).toBe('lost');
  expect(messages.at(-1)).toContain('4 times in a row');
  // A page that ignored this, because its port was still open, has noticed the loss and asks for another port.
  const reports = messages.length;
  supervisor.requestPort(1);
  expect(states.slice(reports)).toEqual(['lost']);
  expect(messages.at(-1)).toBe(messages[reports - 1]);
  await supervisor.restart();
  expect(processes).toHaveLength(5);
  supervisor.requestPort(1);
  expect(states.at(-1)).toBe('starting');
});

test('a crash after a long run does not count', async () => {
  const { supervisor, processes, latest } = setUp();
  supervisor.start();
  for (let death = 1; death <= 6; death++) {
    latest().say({ type: 'ready' });
    await vi.advanceTimersByTimeAsync(31_000);
    latest().exit(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(processes).toHaveLength(death + 1);
  }
});

test('an engine that never becomes ready is killed and counts as crashed', async () => {
  const { supervisor, processes, messages } = setUp();
  supervisor.start();
  await vi.advanceTimersByTimeAsync(10_001);
  expect(processes[0]!.asked).toBe(1);
  expect(messages.some((message) => message?.includes('did not start within 10 seconds'))).toBe(true);
  expect(processes).toHaveLength(2);
});

test('a restart stops the old process, by force if necessary, before the new one starts', async () => {
  const { supervisor, processes, latest, states } = setUp();
  supervisor.start();
  supervisor.requestPort(1);
  latest().say({ type: 'ready' });
  latest().stubborn = true;
  const restarted = supervisor.restart();
  await vi.advanceTimersByTimeAsync(999);
  expect(processes).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  await restarted;
  expect(processes).toHaveLength(2);
  expect(states).toEqual(['starting', 'ready', 'lost', 'starting']);
});

test('a second restart waits for the first, and starts no second process', async () => {
  const { supervisor, processes, gpu, latest } = setUp();
  supervisor.start();
  latest().say({ type: 'ready' });
  latest().stubborn = true;
  const restarted = Promise.all([supervisor.restart(), supervisor.restart()]);
  await vi.advanceTimersByTimeAsync(999);
  expect(processes).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  await restarted;
  expect(processes).toHaveLength(2);
  latest().say({ type: 'ready' });
  latest().say({ type: 'gpu', request: 1 });
  const { closed } = gpu;
  await vi.advanceTimersByTimeAsync(2000);
  expect(processes).toHaveLength(2);
  expect(gpu.closed).toBe(closed);
  // A later one does restart.
  const again = supervisor.restart();
  await vi.advanceTimersByTimeAsync(0);
  await again;
  expect(processes).toHaveLength(3);
});

test('a process that exits after its successor has started leaves it the GPU', async () => {
  const { supervisor, processes, gpu, latest } = setUp();
  supervisor.start();
  const first = latest();
  first.pid = undefined;
  first.stubborn = true;
  const restarted = supervisor.restart();
  await vi.advanceTimersByTimeAsync(1000);
  await restarted;
  expect(processes).toHaveLength(2);
  latest().say({ type: 'ready' });
  latest().say({ type: 'gpu', request: 1 });
  first.exit(1);
  expect(gpu.closed).toBe(0);
  expect(processes).toHaveLength(2);
});

test('stop does not wait for a process that was never started', async () => {
  const { supervisor, latest } = setUp();
  supervisor.start();
  latest().pid = undefined;
  latest().stubborn = true;
  let stopped = false;
  void supervisor.stop().then(() => (stopped = true));
  await vi.advanceTimersByTimeAsync(999);
  expect(stopped).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(stopped).toBe(true);
});

test('nothing is started or reported after stop', async () => {
  const { supervisor, processes, latest, states } = setUp();
  supervisor.start();
  latest().say({ type: 'ready' });
  const stopped = supervisor.stop();
  await vi.advanceTimersByTimeAsync(0);
  await stopped;
  supervisor.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(processes).toHaveLength(1);
  expect(states).toEqual(['starting', 'ready']);
});

test('stop during the wait before a restart is final too', async () => {
  const { supervisor, processes, latest } = setUp();
  supervisor.start();
  latest().exit(1);
  await supervisor.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(processes).toHaveLength(1);
});

test('the engine gets a port to the GPU, or the reason why there is none, and the page ends with the last port', async () => {
  const { supervisor, gpu, latest } = setUp();
  supervisor.start();
  latest().say({ type: 'ready' });
  latest().say({ type: 'gpu', request: 1 });
  await vi.advanceTimersByTimeAsync(0);
  gpu.problem = 'There is no GPU.';
  latest().say({ type: 'gpu', request: 2 });
  await vi.advanceTimersByTimeAsync(0);
  expect(latest().posted).toEqual([
    { message: { type: 'gpu', request: 1, problem: null }, ports: ['gpu'] },
    { message: { type: 'gpu', request: 2, problem: 'There is no GPU.' }, ports: [] },
  ]);
  expect(gpu.closed).toBe(0);
  latest().say({ type: 'gpuUnused' });
  expect(gpu.closed).toBe(1);
  // A crash leaves no page behind.
  latest().exit(1);
  expect(gpu.closed).toBe(2);
});
