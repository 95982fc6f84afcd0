import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultGenerateParams, defaultSamplingParams, defaultStopParams } from '../../engine/api/defaults.ts';
import { EngineError } from '../../engine/api/errors.ts';
import { askInside } from './ask-inside.ts';
import { CancelFlags } from './cancel-flags.ts';
import { MAX_WAITING } from './chunk-batcher.ts';
import { EngineClient } from './client.ts';
import { EngineService } from './engine-service.ts';
import { PROTOCOL_VERSION } from './api.ts';
import { linkTo, relay } from './relay.ts';
import { MAX_PENDING, serveEngine } from './server.ts';
import { FakeEngine } from './test-support/fake-engine.ts';
import { memoryTransportPair } from './test-support/memory.ts';
import { delay, RawClient } from './test-support/raw-client.ts';

const replyOf = (tokens: number | 'fail') => defaultGenerateParams({ kind: 'text', text: String(tokens) });
const inspection = {
  prompt: { kind: 'text' as const, text: 'x' },
  sampling: defaultSamplingParams(),
  stop: defaultStopParams(),
  topCandidates: 1,
};

function direct() {
  const engine = new FakeEngine();
  const openModel = (id: string) => Promise.reject(new EngineError('MODEL_NOT_FOUND', `No ${id}.`, { model: id }));
  const service = new EngineService({ engine, openModel });
  const [near, far] = memoryTransportPair();
  const served = serveEngine(far, service);
  // Otherwise, a request whose connection was lost would still run during the tests of other files.
  onTestFinished(() => served.close());
  return { engine, service, near, far };
}

/** The client in the thread beside the engine's. */
function linked() {
  const { engine, service } = direct();
  const flags = new CancelFlags(CancelFlags.allocate());
  const [engineNear, engineFar] = memoryTransportPair();
  const served = serveEngine(engineFar, service, { cancelFlags: flags });
  onTestFinished(() => served.close());
  const { transport } = linkTo(engineNear, flags);
  return { engine, service, near: transport, far: engineFar };
}

/** The client in another process. */
function relayed() {
  const { near: engine, ...others } = linked();
  const [near, far] = memoryTransportPair();
  relay(far, engine);
  return { ...others, near };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => 'resolved',
    (thrown: unknown) => thrown,
  );
  return error instanceof EngineError ? error.code : String(error);
}

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe.each([
  ['server', direct],
  ['link and server', linked],
  ['relay, link and server', relayed],
])('client over %s', (_name, connect) => {
  it('answers calls of different duration, each with its own result', async () => {
    const client = new EngineClient(connect().near);
    const answers = await Promise.all([
      client.call('tokenize', { text: 'abc', addBos: true, parseSpecial: false }),
      client.call('detokenize', { ids: [4, 2], skipSpecial: true }),
      client.call('status', {}),
    ]);
    expect(answers[0].ids).toEqual([0, 1, 2]);
    expect(answers[1].text).toBe('4 2');
    expect(answers[2]).toMatchObject({ model: { id: 'fake' }, busy: false });
  });

  it('carries errors with code, message and details', async () => {
    const client = new EngineClient(connect().near);
    await client.call('unload', {});
    const error: unknown = await client
      .call('tokenize', { text: '', addBos: true, parseSpecial: false })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'NO_MODEL', message: 'No model is loaded.', details: { hint: 'load one' } });
    expect(await codeOf(collect(client.stream('load', { modelId: 'none' })))).toBe('MODEL_NOT_FOUND');
  });

  it('does not load a model again', async () => {
    const client = new EngineClient(connect().near);
    expect(await collect(client.stream('load', { modelId: 'fake' }))).toMatchObject([{ type: 'loaded' }]);
  });

  it('streams everything in order and ends once', async () => {
    const client = new EngineClient(connect().near, { credit: 2 });
    const events = await collect(client.stream('generate', replyOf(200)));
    expect(events).toHaveLength(202);
    expect(events.map(({ type }) => type)).toEqual(['start', ...new Array<string>(200).fill('token'), 'end']);
    const text = events.map((event) => (event.type === 'token' ? event.token.text : '')).join('');
    expect(events.at(-1)).toMatchObject({ type: 'end', text });
  });

  it('ends a failed stream with its error, after the events before it', async () => {
    const client = new EngineClient(connect().near);
    const seen: string[] = [];
    const run = async () => {
      for await (const event of client.stream('generate', replyOf('fail'))) seen.push(event.type);
    };
    expect(await codeOf(run())).toBe('INTERNAL');
    expect(seen).toEqual(['start', 'token', 'token']);
  });

  it('aborts a reply, which then still ends with its text', async () => {
    const client = new EngineClient(connect().near);
    const controller = new AbortController();
    const events = [];
    for await (const event of client.stream('generate', replyOf(100_000), { signal: controller.signal })) {
      events.push(event);
      if (events.length === 5) controller.abort();
    }
    expect(events.at(-1)).toMatchObject({ type: 'end', stop: { reason: 'user' } });
  });

  it('aborts a call at once and tells the engine', async () => {
    const { near, engine } = connect();
    const client = new EngineClient(near);
    const controller = new AbortController();
    const answer = codeOf(client.call('inspect', inspection, { signal: controller.signal }));
    await delay(10);
    controller.abort();
    expect(await answer).toBe('CANCELLED');
    await delay(10);
    expect(engine.finished).toBe(1);
  });

  it('sends nothing when the signal is already aborted', async () => {
    const client = new EngineClient(connect().near);
    const signal = AbortSignal.abort();
    expect(await codeOf(client.call('status', {}, { signal }))).toBe('CANCELLED');
    expect(await codeOf(collect(client.stream('generate', replyOf(1), { signal })))).toBe('CANCELLED');
  });

  it('cancels when the loop is left', async () => {
    const { near, engine } = connect();
    const client = new EngineClient(near, { credit: 1 });
    for await (const event of client.stream('generate', replyOf(100_000))) if (event.type === 'token') break;
    await expect.poll(() => engine.finished).toBe(1);
    await expect.poll(async () => (await client.call('status', {})).busy).toBe(false);
  });

  it('cancels a request that waits for its turn without touching the running one', async () => {
    const client = new EngineClient(connect().near);
    const first = new AbortController();
    const second = new AbortController();
    const running = collect(client.stream('generate', replyOf(100_000), { signal: first.signal }));
    const waiting = codeOf(collect(client.stream('generate', replyOf(1), { signal: second.signal })));
    const third = collect(client.stream('generate', replyOf(3)));
    await delay(10);
    second.abort();
    expect(await waiting).toBe('CANCELLED');
    expect((await client.call('status', {})).busy).toBe(true);
    first.abort();
    expect((await running).at(-1)).toMatchObject({ stop: { reason: 'user' } });
    expect((await third).at(-1)).toMatchObject({ stop: { reason: 'max_tokens' } });
  });

  it('fails all pending and later calls when the other side is gone', async () => {
    const { near, far, engine } = connect();
    const client = new EngineClient(near);
    const call = codeOf(client.call('inspect', inspection));
    const seen: string[] = [];
    const stream = (async () => {
      for await (const event of client.stream('generate', replyOf(100_000))) seen.push(event.type);
    })();
    await delay(10);
    far.close();
    expect(await codeOf(stream)).toBe('BACKEND_LOST');
    expect(await call).toBe('BACKEND_LOST');
    await client.closed;
    expect(await codeOf(client.call('status', {}))).toBe('BACKEND_LOST');
    expect(await codeOf(collect(client.stream('generate', replyOf(1))))).toBe('BACKEND_LOST');
    expect(engine.finished).toBeLessThanOrEqual(1);
  });

  it('stops the requests of a client that disconnects', async () => {
    const { near, engine } = connect();
    const client = new EngineClient(near);
    const stream = codeOf(collect(client.stream('generate', replyOf(100_000))));
    await delay(10);
    client.close();
    expect(await stream).toBe('BACKEND_LOST');
    await expect.poll(() => engine.finished).toBe(1);
  });

  it('frees what a client looked at inside when it disconnects, and not when another one is done', async () => {
    const { near, engine, service } = connect();
    const [otherNear, otherFar] = memoryTransportPair();
    const served = serveEngine(otherFar, service);
    onTestFinished(() => served.close());
    const [client, other] = [new EngineClient(near), new EngineClient(otherNear)];
    const query = { kind: 'logits', token: 0, top: 1 } as const;
    await askInside(client, { ids: [1], interventions: [] }, query);
    expect(await other.call('releaseInside', {})).toEqual({ bytes: 0 });
    expect(engine.released).toEqual([]);
    client.close();
    await expect.poll(() => engine.released).toEqual(['all']);
  });

  it('refuses params that are not plain data, before they are sent', async () => {
    const client = new EngineClient(connect().near);
    const params = { ...replyOf(1), extra: () => 1 };
    expect(await codeOf(collect(client.stream('generate', params)))).toBe('BAD_REQUEST');
    expect((await client.call('status', {})).busy).toBe(false);
  });

  it('sends an idle reader no more chunks than its credit, then the rest as one', async () => {
    const { near, engine } = connect();
    const raw = new RawClient(near);
    raw.post({ type: 'open', id: 1, method: 'generate', params: replyOf(100), credit: 2 });
    await expect.poll(() => engine.finished).toBe(1);
    await delay(50);
    expect(raw.of(1)).toHaveLength(2);
    raw.post({ type: 'credit', id: 1, credit: 1 });
    expect(await raw.closing(1)).toEqual({ type: 'end', id: 1 });
    expect(raw.chunks(1)).toHaveLength(3);
    expect(raw.chunks(1).flat()).toHaveLength(102);
  });

  it('sends the chosen token of a branch together with the first one after it', async () => {
    const raw = new RawClient(connect().near);
    const params = { ...replyOf(20), firstToken: 3 };
    raw.post({ type: 'open', id: 1, method: 'generate', params, credit: 100 });
    await raw.closing(1);
    const types = raw.chunks(1).map((events) => events.map((event) => (event as { type: string }).type));
    expect(types.slice(0, 2)).toEqual([['start'], ['token', 'token']]);
    expect(types.flat()).toHaveLength(22);
  });

  it('makes the engine wait for an idle reader, and end when it is cancelled', async () => {
    const { near, engine } = connect();
    const raw = new RawClient(near);
    raw.post({ type: 'open', id: 1, method: 'generate', params: replyOf(100_000), credit: 2 });
    await expect.poll(() => engine.produced, { timeout: 20_000 }).toBeGreaterThan(MAX_WAITING);
    await delay(100);
    // Two chunks of one event each are under way.
    expect(engine.produced).toBe(MAX_WAITING + 2);
    expect(engine.finished).toBe(0);
    raw.post({ type: 'credit', id: 1, credit: 1 });
    await expect.poll(() => engine.produced).toBeGreaterThan(MAX_WAITING + 2);
    raw.post({ type: 'cancel', id: 1 });
    await expect.poll(() => engine.finished).toBe(1);
    raw.post({ type: 'credit', id: 1, credit: 1 });
    expect(await raw.closing(1)).toEqual({ type: 'end', id: 1 });
    expect(raw.chunks(1).flat()).toHaveLength(engine.produced);
    expect(raw.chunks(1).flat().at(-1)).toMatchObject({ type: 'end', stop: { reason: 'user' } });
  });

  it('lets the engine end when an idle reader disconnects', async () => {
    const { near, engine } = connect();
    const raw = new RawClient(near);
    raw.post({ type: 'open', id: 1, method: 'generate', params: replyOf(100_000), credit: 2 });
    await expect.poll(() => engine.produced, { timeout: 20_000 }).toBeGreaterThan(MAX_WAITING);
    near.close();
    await expect.poll(() => engine.finished).toBe(1);
  });

  it('refuses to serve before a version is agreed on, and another version', async () => {
    const silent = new RawClient(connect().near, null);
    silent.post({ type: 'call', id: 1, method: 'status', params: {} });
    expect(await silent.closing(1)).toMatchObject({ type: 'error', error: { code: 'BAD_REQUEST' } });

    const other = new RawClient(connect().near, PROTOCOL_VERSION + 1);
    other.post({ type: 'open', id: 1, method: 'generate', params: replyOf(1), credit: 1 });
    const answer = await other.closing(1);
    expect(answer).toMatchObject({ error: { code: 'BAD_REQUEST', details: { engineVersion: PROTOCOL_VERSION } } });
    expect(other.received[0]).toEqual({ type: 'hello', version: PROTOCOL_VERSION });
  });

  it('survives invalid messages', async () => {
    const raw = new RawClient(connect().near);
    const garbage = [null, 1, 'x', [], {}, { type: 'hello' }, { type: 'open' }, { type: 'cancel', id: 99 }, new Map()];
    for (const message of garbage) raw.post(message);
    raw.post({ type: 'credit', id: 99, credit: 5 });
    raw.post({ type: 'open', id: 1, method: 'generate', params: replyOf(1), credit: -1 });
    raw.post({ type: 'open', id: 2, method: 'status', params: {}, credit: 1 });
    raw.post({ type: 'call', id: 3, method: 'generate', params: replyOf(1) });
    raw.post({ type: 'call', id: 4, method: 'status', params: {} });
    for (const id of [1, 2, 3]) expect(await raw.closing(id)).toMatchObject({ error: { code: 'BAD_REQUEST' } });
    expect(await raw.closing(4)).toMatchObject({ type: 'result', result: { busy: false } });
    expect(raw.received).toHaveLength(5);
  });

  it('ignores a second request with the id of a running one', async () => {
    const raw = new RawClient(connect().near);
    raw.post({ type: 'open', id: 1, method: 'generate', params: replyOf(20), credit: 100 });
    raw.post({ type: 'open', id: 1, method: 'generate', params: replyOf(20), credit: 100 });
    raw.post({ type: 'call', id: 1, method: 'status', params: {} });
    raw.post({ type: 'call', id: 1 });
    await raw.closing(1);
    await delay(100);
    expect(raw.of(1).filter(({ type }) => type !== 'chunk')).toEqual([{ type: 'end', id: 1 }]);
    expect(raw.chunks(1).flat()).toHaveLength(22);
  });

  it('limits waiting requests', async () => {
    const raw = new RawClient(connect().near);
    for (let id = 1; id <= MAX_PENDING + 1; id++) {
      raw.post({ type: 'open', id, method: 'generate', params: replyOf(100_000), credit: 1 });
    }
    expect(await raw.closing(MAX_PENDING + 1)).toMatchObject({ error: { code: 'BAD_REQUEST' } });
    for (let id = 1; id <= MAX_PENDING; id++) raw.post({ type: 'cancel', id });
    expect(await raw.closing(2)).toMatchObject({ error: { code: 'CANCELLED' } });
  });
});

describe('linkTo', () => {
  it('sets the shared flag at once, before the engine reads any message', () => {
    const flags = new CancelFlags(CancelFlags.allocate());
    const [engineNear] = memoryTransportPair();
    const { transport } = linkTo(engineNear, flags);
    transport.post({ type: 'open', id: 3, method: 'generate', params: {}, credit: 1 });
    transport.post({ type: 'cancel', id: 3 });
    transport.post({ type: 'cancel', id: 4 });
    expect(flags.isCancelled(3)).toBe(true);
    expect(flags.isCancelled(4)).toBe(false);
  });

  it('sets the flags of what is running when the client disconnects', async () => {
    const flags = new CancelFlags(CancelFlags.allocate());
    const [engineNear, engineFar] = memoryTransportPair();
    const { transport } = linkTo(engineNear, flags);
    for (const id of [1, 2]) transport.post({ type: 'call', id, method: 'status', params: {} });
    engineFar.post({ type: 'result', id: 1, result: null });
    await delay(0);
    transport.close();
    expect([1, 2].map((id) => flags.isCancelled(id))).toEqual([false, true]);
  });

  it('tells the client when the engine is lost, once', async () => {
    const [engineNear, engineFar] = memoryTransportPair();
    const link = linkTo(engineNear, null);
    let closes = 0;
    link.transport.onClose(() => closes++);
    link.lost();
    engineFar.close();
    await delay(0);
    expect(closes).toBe(1);
  });
});

describe('relay', () => {
  it('delivers unread events when the engine crashes', async () => {
    const [near, far] = memoryTransportPair();
    const [engineNear, engineFar] = memoryTransportPair();
    relay(far, linkTo(engineNear, null).transport);
    const client = new EngineClient(near, { credit: 1 });
    const iterator = client.stream('generate', replyOf(1))[Symbol.asyncIterator]();
    const first = iterator.next();
    await delay(0);
    const events = Array.from({ length: 30 }, (_, i) => ({ type: 'token', i }));
    for (const event of events) engineFar.post({ type: 'chunk', id: 1, events: [event] });
    await delay(0);
    engineFar.close();
    await client.closed;
    const seen = [(await first).value];
    for (let i = 1; i < events.length; i++) seen.push((await iterator.next()).value);
    expect(seen).toEqual(events);
    expect(await codeOf(iterator.next())).toBe('BACKEND_LOST');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

describe('EngineClient', () => {
  it('returns credit in halves', async () => {
    const [near, far] = memoryTransportPair();
    const credits: number[] = [];
    far.onMessage((message) => {
      const { type, credit } = message as { type: string; credit: number };
      if (type === 'credit') credits.push(credit);
    });
    const client = new EngineClient(near, { credit: 8 });
    const reading = collect(client.stream('generate', replyOf(1)));
    for (let i = 0; i < 9; i++) far.post({ type: 'chunk', id: 1, events: [{ type: 'token', i }] });
    await delay(10);
    far.post({ type: 'end', id: 1 });
    await reading;
    expect(credits).toEqual([4, 4]);
  });

  it('reports that the engine uses another version', async () => {
    const [near, far] = memoryTransportPair();
    const client = new EngineClient(near);
    const answer = codeOf(client.call('status', {}));
    far.post({ type: 'hello', version: PROTOCOL_VERSION + 1 });
    expect(await answer).toBe('BAD_REQUEST');
    await client.closed;
  });

  it('turns a malformed answer into an error and ignores unrequested ones', async () => {
    const [near, far] = memoryTransportPair();
    const client = new EngineClient(near);
    far.post({ type: 'result', id: 77, result: 1 });
    far.post('noise');
    const malformed = codeOf(client.call('status', {}));
    far.post({ type: 'error', id: 1, error: { code: 'SURPRISE' } });
    expect(await malformed).toBe('INTERNAL');
    const mixedUp = codeOf(client.call('status', {}));
    far.post({ type: 'end', id: 2 });
    expect(await mixedUp).toBe('INTERNAL');
  });
});
