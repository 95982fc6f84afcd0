import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { ModelDescription } from '../../../src-main/engine/api/types.ts';
import type { ModelListing } from '../../../src-main/protocol/app/app-services.ts';
import { EngineState } from '../chat/state/engine.svelte.ts';
import { FakeConnection, FakeEngine, FakeServices, MODEL } from '../chat/test-support/fakes.ts';
import { LibraryState } from './library.svelte.ts';
import { Selection } from './selection.svelte.ts';

const BUILT_IN: ModelListing = {
  id: 'tiny-transformer',
  name: 'TinyTransformer',
  builtIn: true,
  fileBytes: 9_800_000,
  path: null,
  description: 'Small.',
  cannot: 'Much.',
  license: 'MIT',
  source: 'builtin',
  state: 'ok',
  stateText: null,
  problem: null,
  catalogueId: null,
  sha256: null,
  addedAt: null,
  lastUsedAt: null,
  measured: [],
};
const OPENED: ModelListing = {
  ...BUILT_IN,
  id: 'opened-1',
  name: 'story',
  builtIn: false,
  source: 'file',
  path: '/models/story.gguf',
  description: null,
  cannot: null,
  license: null,
};
const OTHER = { ...MODEL, id: 'opened-1', name: 'Story 1B', contextSize: 4096 };

function description(id: string, changes: Partial<ModelDescription> = {}): ModelDescription {
  const { executor: _, loadMs: __, memoryBytes: ___, maskedTokenIds: ____, hasChatRoles: _____, ...facts } = MODEL;
  const at = (contextSize: number) => ({ contextSize, weights: 100, kvCache: contextSize, scratch: 0 });
  return {
    ...facts,
    id,
    name: id === 'opened-1' ? 'Story 1B' : 'TinyTransformer',
    contextSize: 8192,
    format: 'GGUF',
    tensorTypes: [],
    tokenizer: 'gpt2',
    chatTemplate: null,
    memory: [1024, 4096, 8192].map((size) => ({ ...at(size), total: 100 + size })),
    problem: null,
    ...changes,
  };
}

let api: FakeEngine;
let connection: FakeConnection;
let engine: EngineState;
let library: LibraryState;
let listings: ModelListing[];
let services: FakeServices;
let stopped: string[];
const contexts = new Map<string, number>();

function free(freeBytes: number): void {
  services.memory = { freeBytes, totalBytes: 2 * freeBytes };
}

beforeEach(async () => {
  listings = [BUILT_IN];
  stopped = [];
  contexts.clear();
  services = new FakeServices();
  free(1_000_000);
  connection = new FakeConnection(services);
  api = new FakeEngine();
  api.describe = (id) => description(id);
  engine = new EngineState(connection, 'tiny-transformer');
  connection.change(api, 'ready');
  await engine.ready();
  library = new LibraryState({
    opener: {
      remembers: true,
      offersMore: true,
      list: async () => listings,
      choose: async () => {
        listings = [BUILT_IN, OPENED];
        return OPENED;
      },
      drop: () => Promise.reject(new EngineError('BAD_REQUEST', 'notes.txt is not a model.')),
      remove: async (id) => {
        const before = listings;
        listings = before.filter((model) => model.id !== id);
        return async () => void (listings = before);
      },
    },
    services,
    engine,
    client: () => connection.client(),
    stopReply: (to) => stopped.push(to),
    selection: new Selection(),
    lastContext: (id) => contexts.get(id) ?? null,
    saveContext: (id, tokens) => contexts.set(id, tokens),
  });
  await library.refresh();
});

it('opens a file, reads its headers and shows it, without loading it', async () => {
  expect(library.selected?.id).toBe('tiny-transformer');
  expect(await library.choose()).toBe(true);
  expect(library.selected?.id).toBe('opened-1');
  expect(library.nameOf('opened-1')).toBe('Story 1B');
  expect(library.contextOf('opened-1')).toBe(4096);
  expect(library.fit('opened-1')).toMatchObject({ verdict: 'fits', needed: 4196 });
  expect(engine.model?.id).toBe('tiny-transformer');
});

it('says why something was not opened', async () => {
  expect(await library.drop({ files: [], hasFolder: false })).toBe(false);
  expect(library.error?.message).toBe('notes.txt is not a model.');
  expect(await library.choose()).toBe(true);
  expect(library.error).toBeNull();
});

it('loads for the chosen context, and stops a running reply for it', async () => {
  await library.choose();
  library.setContext('opened-1', 2048);
  api.loadScripts = [[{ ...OTHER, contextSize: 2048 }]];
  await library.load('opened-1');
  expect(api.loads.at(-1)).toEqual({ modelId: 'opened-1', contextSize: 2048 });
  expect(stopped).toEqual(['load Story 1B']);
  expect(engine.model?.name).toBe('Story 1B');
  expect(library.contextOf('opened-1')).toBe(2048);
  expect(contexts.get('opened-1')).toBe(2048);
  expect(services.calls).toContain('modelUsed');
});

it('keeps the chosen executor when the model is loaded again', async () => {
  await library.choose();
  api.loadScripts = [[OTHER], [{ ...OTHER, contextSize: 8192 }]];
  await library.load('opened-1', { executor: 'reference' });
  // Also if it must be unloaded first.
  free(8291);
  await library.loadWindow(8192);
  expect(api.loads.at(-1)).toEqual({ modelId: 'opened-1', executor: 'reference', contextSize: 8192 });
  await library.load('tiny-transformer');
  expect(api.loads.at(-1)).toEqual({ modelId: 'tiny-transformer', contextSize: 4096 });
});

it('knows how large a buffer of the GPU may be, once a model was loaded on it or was too large', async () => {
  await library.choose();
  const tooLarge = new EngineError('OUT_OF_MEMORY', 'Too large.', { limit: 500 });
  const onGpu = { ...OTHER, adapter: { name: 'GPU', isSoftware: false, largestBuffer: 700 } };
  api.loadScripts = [[tooLarge], [tooLarge], [onGpu], [OTHER]];
  // The limit of another executor is another one.
  await library.load('opened-1', { executor: 'wasm' });
  expect(library.gpuLimit).toBeNull();
  await library.load('opened-1', { executor: 'webgpu' });
  expect(library.gpuLimit).toBe(500);
  await library.load('opened-1', { executor: 'webgpu' });
  expect(library.gpuLimit).toBe(700);
  await library.load('opened-1', { executor: 'wasm' });
  expect(library.gpuLimit).toBe(700);
});

it('offers the context of the last time, as far as the model goes', async () => {
  contexts.set('opened-1', 2048);
  await library.choose();
  expect(library.contextOf('opened-1')).toBe(2048);
  contexts.set('opened-1', 100_000);
  expect(library.contextOf('opened-1')).toBe(8192);
});

it('calls a download by the name that it was chosen by, and reads it again when its file changed', async () => {
  await library.choose();
  listings = [BUILT_IN, { ...OPENED, catalogueId: 'story', name: 'From the catalogue' }];
  await library.refresh();
  expect(library.nameOf('opened-1')).toBe('From the catalogue');
  expect(library.description('opened-1')).not.toBeNull();
  listings = [BUILT_IN, { ...OPENED, fileBytes: 1, state: 'changed' }];
  await library.refresh();
  expect(library.description('opened-1')).toBeNull();
});

it('keeps what went wrong with the model, and the model that was there', async () => {
  await library.choose();
  api.loadScripts = [[new EngineError('MODEL_FORMAT', 'cut short')], ['pause', OTHER], [OTHER]];
  await library.load('opened-1');
  expect(library.problem('opened-1')?.message).toBe('cut short');
  expect(engine.model?.id).toBe('tiny-transformer');

  const loading = library.load('opened-1');
  await new Promise((resolve) => setTimeout(resolve));
  expect(library.problem('opened-1')).toBeNull();
  library.cancelLoad();
  await loading;
  // Cancelled by a person: nothing is wrong.
  expect(library.problem('opened-1')).toBeNull();
  expect(engine.status).toBe('ready');
});

it('does not load what cannot be read, is gone, or does not fit', async () => {
  await library.choose();
  const loads = api.loads.length;
  free(1000);
  await library.load('opened-1');
  expect(library.fit('opened-1')).toMatchObject({ verdict: 'too-large', short: 4196 - 1003 });
  expect(api.loads).toHaveLength(loads);
  expect(stopped).toEqual([]);

  free(1_000_000);
  api.describe = (id) =>
    description(id, { problem: { code: 'UNSUPPORTED_TENSOR_TYPE', message: 'IQ1_S', details: {} } });
  await library.choose();
  expect(library.problem('opened-1')).toMatchObject({ code: 'UNSUPPORTED_TENSOR_TYPE', message: 'IQ1_S' });
  await library.load('opened-1');
  expect(api.loads).toHaveLength(loads);

  listings = [BUILT_IN, { ...OPENED, problem: '/models/story.gguf is not there any more.' }];
  await library.refresh();
  expect(library.problem('opened-1')).toMatchObject({ code: 'MODEL_NOT_FOUND' });
});

it('makes room first where both models do not fit beside each other', async () => {
  await library.choose();
  api.model = MODEL;
  free(4195);
  await library.refresh();
  expect(library.fit('opened-1')?.verdict).toBe('after-unload');
  api.loadScripts = [[OTHER]];
  await library.load('opened-1');
  expect(engine.model).toBe(OTHER);
});

it('neither counts memory of a GPU as RAM, nor asks for RAM where a GPU has the model', async () => {
  await Promise.all([library.choose(), library.describe('tiny-transformer')]);
  const onGpu = { ...OTHER, executor: 'webgpu' as const, memoryBytes: { weights: 5000, kvCache: 0, scratch: 0 } };
  api.loadScripts = [[onGpu], [{ ...onGpu, contextSize: 8192 }]];
  free(1000);
  await library.load('opened-1', { executor: 'webgpu' });
  expect(api.loads.at(-1)).toEqual({ modelId: 'opened-1', executor: 'webgpu', contextSize: 4096 });
  const { length } = api.loads;
  const tooLarge = { verdict: 'too-large', available: 1000 };
  expect(library.fit('tiny-transformer')).toMatchObject(tooLarge);
  expect(library.fit('opened-1', 'wasm')).toMatchObject(tooLarge);
  await library.load('opened-1', { executor: 'wasm' });
  expect(api.loads).toHaveLength(length);
  expect(library.biggerWindow(5000)).toMatchObject({ tokens: 8192 });
  await library.loadWindow(8192);
  expect(api.loads.at(-1)).toEqual({ modelId: 'opened-1', executor: 'webgpu', contextSize: 8192 });
});

it('can be given up before the engine begins', async () => {
  await library.choose();
  const { length } = api.loads;
  const [early, late] = [new AbortController(), new AbortController()];
  const loading = library.load('opened-1', { signal: early.signal });
  early.abort();
  await loading;
  expect(stopped).toEqual([]);
  expect(engine.status).toBe('ready');

  // While it makes room.
  free(4195);
  const unload = engine.unload.bind(engine);
  vi.spyOn(engine, 'unload').mockImplementation(() => {
    late.abort();
    return unload();
  });
  await library.load('opened-1', { signal: late.signal });
  expect(engine.status).toBe('empty');
  expect(api.loads).toHaveLength(length);
  expect(library.problem('opened-1')).toBeNull();
});

it('does not wait for the headers of other models', async () => {
  await library.choose();
  listings = [BUILT_IN, OPENED, ...['slow', 'later'].map((id) => ({ ...OPENED, id, path: `/network/${id}.gguf` }))];
  await library.refresh();
  const asked: string[] = [];
  api.describe = (id) => {
    asked.push(id);
    return id === 'slow' ? (new Promise<never>(() => undefined) as never) : description(id);
  };
  library.describeAll();
  await vi.waitFor(() => expect(asked).toEqual(['tiny-transformer', 'slow']));
  api.loadScripts = [[OTHER], [{ ...OTHER, id: 'later' }]];
  await library.load('opened-1');
  expect(engine.model?.id).toBe('opened-1');
  await library.load('later');
  expect(engine.model?.id).toBe('later');
  expect(asked).toEqual(['tiny-transformer', 'slow', 'later']);
});

it('reads the header of a file that was replaced before it is loaded', async () => {
  await library.choose();
  const { length } = api.loads;
  listings = [BUILT_IN, { ...OPENED, fileBytes: 1, state: 'changed' }];
  free(1000);
  await library.load('opened-1');
  expect(library.fit('opened-1')?.verdict).toBe('too-large');
  expect(api.loads).toHaveLength(length);
});

it('does not wait for a list that takes long, and shows it when it has been read', async () => {
  await library.choose();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let answer = (_: ModelListing[]): void => undefined;
  // The file of another model is on a network share that does not respond.
  listings = new Promise<ModelListing[]>((resolve) => (answer = resolve)) as never;
  api.loadScripts = [[OTHER]];
  const loading = library.load('opened-1');
  await vi.advanceTimersByTimeAsync(1000);
  await vi.waitFor(() => expect(engine.model?.id).toBe('opened-1'));
  answer([BUILT_IN, OPENED, { ...OPENED, id: 'other' }]);
  await loading;
  expect(library.find('other')).not.toBeNull();
});

it('shows no list that is older than the one on screen', async () => {
  let answer = (_: ModelListing[]): void => undefined;
  listings = new Promise<ModelListing[]>((resolve) => (answer = resolve)) as never;
  const earlier = library.refresh();
  listings = [BUILT_IN, OPENED];
  await library.refresh();
  answer([BUILT_IN]);
  await earlier;
  expect(library.listings).toEqual([BUILT_IN, OPENED]);
});

it('says that a load waits for the header, and can be cancelled meanwhile', async () => {
  listings = [BUILT_IN, OPENED];
  await library.refresh();
  const { length } = api.loads;
  let answer = (): void => undefined;
  api.describe = (id) => new Promise<void>((resolve) => (answer = resolve)).then(() => description(id)) as never;
  const cancelledLoad = library.load('opened-1');
  await new Promise((resolve) => setTimeout(resolve));
  expect(library.pendingId).toBe('opened-1');
  library.cancelLoad();
  expect(library.pendingId).toBeNull();
  answer();
  await cancelledLoad;
  expect(api.loads).toHaveLength(length);
  expect(stopped).toEqual([]);

  api.loadScripts = [['pause', OTHER]];
  const loading = library.load('opened-1');
  await vi.waitFor(() => expect(engine.loadingId).toBe('opened-1'));
  // From now on, the engine says so.
  expect(library.pendingId).toBeNull();
  api.resume();
  await loading;
  expect(engine.model?.id).toBe('opened-1');
});

it('unloads on demand, and forgets a model that is removed', async () => {
  await library.choose();
  api.loadScripts = [[OTHER]];
  await library.load('opened-1');
  const undo = await library.remove('opened-1');
  expect(stopped).toEqual(['load Story 1B', 'unload Story 1B']);
  expect(engine.status).toBe('empty');
  expect(library.listings).toEqual([BUILT_IN]);
  expect(library.nameOf('opened-1')).toBe('an unknown model');
  undo?.();
  await vi.waitFor(() => expect(library.listings).toEqual([BUILT_IN, OPENED]));
  expect(engine.status).toBe('empty');
});

it('asks about a model again when there was no engine to ask', async () => {
  connection.change(null, 'starting');
  await library.describe('tiny-transformer');
  expect(library.description('tiny-transformer')).toBeNull();
  expect(library.problem('tiny-transformer')).toBeNull();
  connection.change(api, 'ready');
  await library.describe('tiny-transformer');
  expect(library.description('tiny-transformer')).not.toBeNull();
});

describe('the file of the model in memory', () => {
  beforeEach(async () => {
    await library.choose();
    api.loadScripts = [[OTHER]];
    await library.load('opened-1');
    stopped.length = 0;
    api.loads.length = 0;
    api.loadScripts = [];
  });
  const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
  const becomes = async (changes: Partial<ModelListing>) => {
    listings = [BUILT_IN, { ...OPENED, ...changes }];
    await library.refresh();
    await settled();
  };

  it('is loaded again once a person took the changed one, or one at another place, or lent another', async () => {
    const again = { modelId: 'opened-1', contextSize: 4096 };
    await becomes({ state: 'changed' });
    expect(api.loads).toEqual([]);
    api.loadScripts = [[OTHER], [OTHER], [OTHER]];
    await becomes({ state: 'ok' });
    expect(api.loads).toEqual([again]);
    expect(stopped).toEqual(['load Story 1B']);
    await becomes({ path: '/models/moved.gguf' });
    expect(api.loads).toEqual([again, again]);
    await becomes({ path: '/models/moved.gguf', addedAt: '2026-01-01T00:00:00.000Z' });
    expect(api.loads).toHaveLength(3);
    await becomes({ path: '/models/moved.gguf', addedAt: '2026-01-01T00:00:00.000Z' });
    expect(api.loads).toHaveLength(3);
  });

  it('is left alone while it is missing, and when it is there again', async () => {
    await becomes({ state: 'missing', problem: 'It is gone.' });
    await becomes({});
    expect(api.loads).toEqual([]);
  });

  it('says why another one cannot be loaded, and what was there stays', async () => {
    api.loadScripts = [[new EngineError('MODEL_FORMAT', 'Cut short.')]];
    await becomes({ fileBytes: 7 });
    expect(api.loads).toHaveLength(1);
    expect(library.problem('opened-1')?.message).toBe('Cut short.');
    expect(engine.model?.id).toBe('opened-1');
  });
});
