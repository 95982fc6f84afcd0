import { beforeEach, expect, it } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { defaultGenerateParams } from '../../../../src-main/engine/api/defaults.ts';
import type { ModelInfo } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { backendLost } from '../../../../src-main/protocol/errors.ts';
import { EngineState } from './engine.svelte.ts';
import { end, FakeConnection, FakeEngine, FakeServices, MODEL, start, tokens } from '../test-support/fakes.ts';

let connection: FakeConnection;
let engine: EngineState;

beforeEach(() => {
  connection = new FakeConnection(new FakeServices());
  engine = new EngineState(connection, 'tiny-transformer');
});

/** An engine that can be told apart at the other end of what `ready` gives. */
function fake(): FakeEngine {
  const api = new FakeEngine();
  api.describe = () => api as never;
  return api;
}

const at = async (ready: Promise<EngineApi>) => (await ready).call('describe', { modelId: 'which' });

const tick = () => new Promise((resolve) => setTimeout(resolve));

function failing(error: EngineError): FakeEngine {
  const api = fake();
  api.stream = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) });
  return api;
}

it('is ready when the model is loaded, and tells those who wait', async () => {
  expect(engine.status).toBe('starting');
  const waiting = engine.ready();
  const api = fake();
  connection.change(api, 'ready');
  expect(engine.status).toBe('starting');
  expect(await at(waiting)).toBe(api);
  expect(engine.status).toBe('ready');
  expect(engine.model).toBe(MODEL);
  expect(engine.progress).toBeNull();
});

it('asks an engine of its own for nothing before it loads the model', async () => {
  connection.ownsEngine = true;
  const api = fake();
  const asked: string[] = [];
  api.answers.status = () => {
    asked.push('status');
    return { model: null, busy: false, computedTokens: 0 };
  };
  connection.change(api, 'ready');
  // At once: this page may be busy for a while.
  expect(api.loads).toHaveLength(1);
  await engine.ready();
  expect(asked).toEqual([]);
});

it('loads the model again in a fresh engine, and shows the old one meanwhile', async () => {
  connection.change(fake(), 'ready');
  await engine.ready();
  connection.change(null, 'starting');
  expect(engine.status).toBe('starting');
  expect(engine.model).toBe(MODEL);
  const fresh = fake();
  const waiting = engine.ready();
  connection.change(fresh, 'ready');
  expect(await at(waiting)).toBe(fresh);
});

it('gives up with a reason: nobody is there, or the model cannot be read', async () => {
  const waiting = engine.ready();
  connection.change(null, 'lost', 'It stopped three times.');
  await expect(waiting).rejects.toMatchObject({ code: 'BACKEND_LOST', message: 'It stopped three times.' });
  expect(engine.status).toBe('lost');
  await expect(engine.ready()).rejects.toMatchObject({ code: 'BACKEND_LOST' });

  connection.change(failing(new EngineError('MODEL_FORMAT', 'model.safetensors is cut short.')), 'ready');
  await expect(engine.ready()).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
  expect(engine.status).toBe('lost');
  expect(engine.message).toBe('model.safetensors is cut short.');
  engine.restart();
  expect(connection.restarts).toBe(1);
});

it('waits on when the engine is lost while it loads', async () => {
  const waiting = engine.ready();
  const dying = failing(backendLost());
  dying.call = () => Promise.reject(backendLost());
  connection.change(dying, 'ready');
  await new Promise((resolve) => setTimeout(resolve));
  expect(engine.status).toBe('starting');
  const fresh = fake();
  connection.change(fresh, 'ready');
  expect(await at(waiting)).toBe(fresh);
});

const OTHER: ModelInfo = { ...MODEL, id: 'opened-1', name: 'Other', contextSize: 512 };

it('takes the model that the engine has already, as after the page was loaded again', async () => {
  const api = fake();
  api.model = OTHER;
  api.loadScripts = [[OTHER]];
  connection.change(api, 'ready');
  await engine.ready();
  expect(api.loads).toEqual([{ modelId: 'opened-1', contextSize: 512 }]);
  expect(engine.model).toBe(OTHER);
});

it('loads another model in place of the first, and that one again in a fresh engine', async () => {
  const api = fake();
  connection.change(api, 'ready');
  await engine.ready();
  api.loadScripts = [['pause', OTHER]];
  const loading = engine.load({ modelId: 'opened-1', contextSize: 512 });
  await tick();
  expect(engine.status).toBe('starting');
  expect(engine.loadingId).toBe('opened-1');
  expect(engine.progress).toEqual({ phase: 'weights', bytesRead: 1, totalBytes: 2 });
  const waiting = engine.ready();
  api.resume();
  await loading;
  expect(await at(waiting)).toBe(api);
  expect(engine.model).toBe(OTHER);
  expect(engine.progress).toBeNull();

  connection.change(null, 'starting');
  const fresh = fake();
  fresh.loadScripts = [[OTHER]];
  connection.change(fresh, 'ready');
  await engine.ready();
  expect(fresh.loads).toEqual([{ modelId: 'opened-1', contextSize: 512 }]);
});

it('keeps the model when loading another one fails or is cancelled', async () => {
  const api = fake();
  connection.change(api, 'ready');
  await engine.ready();
  api.loadScripts = [[new EngineError('MODEL_FORMAT', 'cut short')], ['pause', OTHER]];
  await expect(engine.load({ modelId: 'opened-1' })).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
  expect(engine.status).toBe('ready');
  const loading = engine.load({ modelId: 'opened-1' });
  await tick();
  engine.cancelLoad();
  await expect(loading).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(engine.status).toBe('ready');
  expect(engine.model).toBe(MODEL);
  expect(await at(engine.ready())).toBe(api);
});

it('takes the last of two wishes', async () => {
  const api = fake();
  connection.change(api, 'ready');
  await engine.ready();
  api.loadScripts = [['pause', MODEL], [OTHER]];
  const first = engine.load({ modelId: 'opened-2' });
  await tick();
  const second = engine.load({ modelId: 'opened-1' });
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
  await second;
  expect(engine.model).toBe(OTHER);
});

it('is empty once the model was taken out, and stays so in a fresh engine, until one is loaded', async () => {
  const api = fake();
  connection.change(api, 'ready');
  await engine.ready();
  await engine.unload();
  expect(engine.status).toBe('empty');
  expect(engine.model).toBeNull();
  await expect(engine.ready()).rejects.toMatchObject({ code: 'NO_MODEL' });
  connection.change(null, 'starting');
  const fresh = fake();
  connection.change(fresh, 'ready');
  await tick();
  expect(engine.status).toBe('empty');
  await engine.load({ modelId: 'tiny-transformer' });
  expect(engine.status).toBe('ready');
});

it('does not load a model again that may have brought the engine down', async () => {
  const api = fake();
  connection.change(api, 'ready');
  await engine.ready();
  api.loadScripts = [['pause', backendLost()]];
  const loading = engine.load({ modelId: 'opened-1' });
  await tick();
  connection.change(null, 'starting');
  api.resume();
  await expect(loading).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  const fresh = fake();
  connection.change(fresh, 'ready');
  await engine.ready();
  expect(fresh.loads).toEqual([{ modelId: 'tiny-transformer', contextSize: 1000 }]);
});

it('stops waiting on demand', async () => {
  const abort = new AbortController();
  const waiting = engine.ready(abort.signal);
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect(engine.ready(abort.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
});

const LAST = { modelId: 'opened-1', contextSize: 512 };

function beginWithLast(): void {
  connection = new FakeConnection(new FakeServices());
  engine = new EngineState(connection, 'tiny-transformer', LAST);
}

it('begins with the model of the last time, in a fresh engine too', async () => {
  beginWithLast();
  const api = new FakeEngine();
  api.loadScripts = [[OTHER]];
  expect(engine.comingId).toBe('opened-1');
  connection.change(api, 'ready');
  await tick();
  expect(engine.comingId).toBeNull();
  expect(api.loads).toEqual([LAST]);
  expect(engine.model?.id).toBe('opened-1');
  expect(engine.startProblem).toBeNull();
  // It was loaded once, so what goes wrong later is no reason to take another one.
  connection.change(failing(new EngineError('MODEL_IO', 'The disk is gone.')), 'ready');
  await expect(engine.ready()).rejects.toMatchObject({ code: 'MODEL_IO' });
  expect(engine.startProblem).toBeNull();
});

it('begins with the built-in model when the last one cannot be loaded, and says why', async () => {
  beginWithLast();
  const api = fake();
  const gone = new EngineError('MODEL_NOT_FOUND', 'smol.gguf is gone.');
  api.loadScripts = [[gone], [MODEL]];
  connection.change(api, 'ready');
  expect(await at(engine.ready())).toBe(api);
  expect(engine.model).toBe(MODEL);
  expect(engine.startProblem).toEqual({ modelId: 'opened-1', error: gone });
});

it('begins with the built-in model when the last one took the engine with it', async () => {
  beginWithLast();
  connection.change(failing(backendLost()), 'ready');
  await tick();
  const fresh = new FakeEngine();
  connection.change(fresh, 'ready');
  await engine.ready();
  expect(engine.model).toBe(MODEL);
  expect(engine.startProblem).toMatchObject({ modelId: 'opened-1', error: { code: 'BACKEND_LOST' } });
});

const THREAD_LOST = new EngineError('BACKEND_LOST', 'A CPU kernel thread crashed.');
const lostEnd = () => end(1, { reason: 'error', tokens: 1, error: THREAD_LOST.payload });

async function write(api: EngineApi): Promise<void> {
  const params = defaultGenerateParams({ kind: 'text', text: 'Hi' });
  for await (const event of api.stream('generate', params)) void event;
}

it('loads the model again when a reply says that the engine lost it, and makes those who ask wait for that', async () => {
  const api = fake();
  connection.change(api, 'ready');
  const ready = await engine.ready();
  api.scripts = [
    [start(), lostEnd()],
    [start(), ...tokens(2), end(2)],
  ];
  api.loadScripts = [['pause', MODEL]];
  await write(ready);
  expect(engine.status).toBe('starting');
  const waiting = engine.ready();
  await tick();
  expect(api.loads).toEqual([{ modelId: 'tiny-transformer' }, { modelId: 'tiny-transformer', contextSize: 1000 }]);
  api.resume();
  await write(await waiting);
  expect(engine.status).toBe('ready');
});

it.each([THREAD_LOST, new EngineError('NO_MODEL', 'No model is loaded.')])(
  'does the same when another call fails with $code',
  async (error) => {
    const api = fake();
    connection.change(api, 'ready');
    const ready = await engine.ready();
    api.describe = () => {
      throw error;
    };
    await expect(ready.call('describe', { modelId: 'x' })).rejects.toBe(error);
    await engine.ready();
    expect(api.loads).toHaveLength(2);
  },
);

it('gives up on a model that is lost again and again, until a person restarts the engine', async () => {
  const api = fake();
  connection.change(api, 'ready');
  api.scripts = [[start(), ...tokens(1), end(1)], ...Array.from({ length: 4 }, () => [start(), lostEnd()])];
  for (let i = 0; i < 5; i++) await write(await engine.ready());
  expect(api.loads).toHaveLength(4);
  expect(engine.status).toBe('lost');
  expect(engine.message).toBe(THREAD_LOST.message);
  const fresh = fake();
  connection.change(fresh, 'ready');
  expect(await at(engine.ready())).toBe(fresh);
});

it('says why when threads do not start, instead of waiting for ever', async () => {
  connection.change(failing(new EngineError('BACKEND_LOST', 'A thread did not start.')), 'ready');
  await expect(engine.ready()).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  expect(engine.status).toBe('lost');
  expect(engine.message).toBe('A thread did not start.');
});

it('waits while another window changes the model, and then has the same one', async () => {
  const api = fake();
  connection.change(api, 'ready');
  await engine.ready();
  await engine.follow(true);
  expect(engine.changingElsewhere).toBe(true);
  expect(engine.status).toBe('starting');
  const waiting = engine.ready();
  const other: ModelInfo = { ...MODEL, id: 'opened-1', name: 'Other', contextSize: 500 };
  api.model = other;
  await engine.follow(false);
  expect(await at(waiting)).toBe(api);
  expect(engine.model).toBe(other);
  expect(engine.changingElsewhere).toBe(false);
  // It has not loaded it itself, which would make every window follow every other.
  expect(api.loads).toHaveLength(1);

  api.model = null;
  await engine.follow(true);
  await engine.follow(false);
  expect(engine.status).toBe('empty');
  expect(engine.model).toBeNull();
});

it('does not wait for the reply of another window when the engine has a model', async () => {
  const api = fake();
  api.model = MODEL;
  api.answers = { status: () => ({ model: MODEL, busy: true, computedTokens: 0 }) };
  connection.change(api, 'ready');
  expect(await at(engine.ready())).toBe(api);
  expect(api.loads).toEqual([]);
});

it('loads a model that was chosen while another window changed it', async () => {
  const api = fake();
  connection.change(api, 'ready');
  await engine.ready();
  await engine.follow(true);
  api.loadScripts = [['pause', MODEL]];
  const loading = engine.load({ modelId: MODEL.id });
  await tick();
  // Both loads are over for the engine, but this page has not heard of its own yet.
  await engine.follow(false);
  api.resume();
  await loading;
  expect(engine.status).toBe('ready');
});

it('ignores its own load, and a change that ends with the engine', async () => {
  const api = fake();
  api.loadScripts = [['pause', MODEL]];
  connection.change(api, 'ready');
  await tick();
  await engine.follow(true);
  expect(engine.changingElsewhere).toBe(false);
  api.resume();
  await engine.ready();
  await engine.follow(true);
  connection.change(null, 'starting');
  expect(engine.changingElsewhere).toBe(false);
});

it('keeps the model where a reply moved it', async () => {
  const api = fake();
  connection.change(api, 'ready');
  const ready = await engine.ready();
  const model: ModelInfo = { ...MODEL, executor: 'wasm' };
  api.scripts = [[start(), ...tokens(1), { type: 'moved', model, notice: 'Moved.' }, end(1)]];
  const params = defaultGenerateParams({ kind: 'text', text: 'Hello' });
  for await (const event of ready.stream('generate', params)) {
    if (event.type === 'end') expect(engine.model).toBe(model);
  }
  expect(engine.requested).toBe('wasm');
  connection.change(null, 'starting');
  const fresh = fake();
  connection.change(fresh, 'ready');
  await engine.ready();
  expect(fresh.loads).toMatchObject([{ modelId: MODEL.id, executor: 'wasm' }]);
});

it('lets the engine choose where there is a GPU, unless a person does', async () => {
  connection = new FakeConnection(new FakeServices());
  connection.executors = ['wasm', 'webgpu', 'reference'];
  engine = new EngineState(connection, MODEL.id);
  const api = fake();
  connection.change(api, 'ready');
  await engine.ready();
  expect(engine.requested).toBe('auto');
  await engine.load({ modelId: MODEL.id, executor: 'webgpu' });
  expect(engine.requested).toBe('webgpu');
  await engine.load({ modelId: MODEL.id });
  expect(api.loads.map(({ executor }) => executor)).toEqual(['auto', 'webgpu', 'auto']);
});
