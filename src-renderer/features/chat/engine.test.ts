import { beforeEach, expect, it } from 'vitest';
import { EngineError } from '../../../src-main/engine/errors.ts';
import { backendLost } from '../../../src-main/protocol/errors.ts';
import { EngineState } from './engine.svelte.ts';
import { FakeConnection, FakeEngine, FakeServices, MODEL } from './test-support/fakes.ts';

let connection: FakeConnection;
let engine: EngineState;

beforeEach(() => {
  connection = new FakeConnection(new FakeServices());
  engine = new EngineState(connection, 'tiny-transformer');
});

function failing(error: EngineError): FakeEngine {
  const api = new FakeEngine();
  api.stream = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) });
  return api;
}

it('is ready when the model is loaded, and tells those who wait', async () => {
  expect(engine.status).toBe('starting');
  const waiting = engine.ready();
  const api = new FakeEngine();
  connection.change(api, 'ready');
  expect(engine.status).toBe('starting');
  expect(await waiting).toBe(api);
  expect(engine.status).toBe('ready');
  expect(engine.model).toBe(MODEL);
  expect(engine.progress).toBeNull();
});

it('loads the model again in a fresh engine, and shows the old one meanwhile', async () => {
  connection.change(new FakeEngine(), 'ready');
  await engine.ready();
  connection.change(null, 'starting');
  expect(engine.status).toBe('starting');
  expect(engine.model).toBe(MODEL);
  const fresh = new FakeEngine();
  const waiting = engine.ready();
  connection.change(fresh, 'ready');
  expect(await waiting).toBe(fresh);
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
  connection.change(failing(backendLost()), 'ready');
  await new Promise((resolve) => setTimeout(resolve));
  expect(engine.status).toBe('starting');
  const fresh = new FakeEngine();
  connection.change(fresh, 'ready');
  expect(await waiting).toBe(fresh);
});

it('stops waiting on demand', async () => {
  const abort = new AbortController();
  const waiting = engine.ready(abort.signal);
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect(engine.ready(abort.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
});
