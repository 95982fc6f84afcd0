/** What the service adds to the engine: when a model is loaded again. */
import { expect, it } from 'vitest';
import { EngineError, InferenceEngine, type ModelFiles } from '../../engine/index.ts';
import { nodePlatform } from '../../engine/test-support/tiny-engine.ts';
import { tinyGguf } from '../../engine/test-support/tiny-gguf.ts';
import { memoryModelFiles } from '../../engine/test-support/model-files.ts';
import { EngineService } from './engine-service.ts';

const cancel = { cancelled: false };

async function setUp() {
  const files = async (name: string, stamp: string): Promise<ModelFiles> => {
    return { ...memoryModelFiles('opened-1', { 'model.gguf': await tinyGguf(name) }), stamp };
  };
  const state = { files: await files('llama', 'first'), phases: [] as string[] };
  const engine = new InferenceEngine(nodePlatform());
  const openModel = (): Promise<ModelFiles> =>
    state.files.names.length > 0
      ? Promise.resolve(state.files)
      : Promise.reject(new EngineError('MODEL_NOT_FOUND', 'It is gone.'));
  const service = new EngineService({ engine, openModel });
  const load = async (contextSize = 64) => {
    state.phases = [];
    const params = { modelId: 'opened-1', contextSize };
    await service.stream({ method: 'load', params }, cancel, (event) => {
      if (event.type === 'progress' && 'progress' in event) state.phases.push(event.progress.phase);
      return null;
    });
    return engine.model;
  };
  return { state, files, load };
}

it('loads a model again when its id refers to another file, or the file changed', async () => {
  const { state, files, load } = await setUp();
  const first = await load();
  expect(first?.architecture).toBe('llama');
  expect(state.phases).not.toEqual([]);
  await load();
  expect(state.phases).toEqual([]);
  state.files = await files('gpt2', 'second');
  expect((await load())?.architecture).toBe('gpt2');
  expect(state.phases).not.toEqual([]);
  await load();
  expect(state.phases).toEqual([]);
});

it('reports loads and unloads, also failed ones, once for those at the same time', async () => {
  const changes: boolean[] = [];
  const engine = new InferenceEngine(nodePlatform());
  const openModel = async (id: string): Promise<ModelFiles> => {
    if (id === 'gone') throw new EngineError('MODEL_NOT_FOUND', 'It is gone.');
    return { ...memoryModelFiles(id, { 'model.gguf': await tinyGguf('llama') }), stamp: id };
  };
  const service = new EngineService({ engine, openModel, onModel: (changing) => changes.push(changing) });
  const load = (modelId: string) => service.stream({ method: 'load', params: { modelId } }, cancel, () => null);
  await Promise.all([load('one'), load('two')]);
  expect(changes).toEqual([true, false]);
  await expect(load('gone')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  await service.call({ method: 'unload', params: {} }, cancel);
  expect(changes).toEqual([true, false, true, false, true, false]);
});

it('keeps a model beside another one, until a model is loaded without that', async () => {
  const phases: string[] = [];
  const engine = new InferenceEngine(nodePlatform());
  const openModel = async (id: string): Promise<ModelFiles> => {
    return { ...memoryModelFiles(id, { 'model.gguf': await tinyGguf(id) }), stamp: id };
  };
  const service = new EngineService({ engine, openModel });
  const load = async (modelId: string, keepLoaded?: true) => {
    phases.length = 0;
    const params = { modelId, contextSize: 64, ...(keepLoaded && { keepLoaded }) };
    await service.stream({ method: 'load', params }, cancel, (event) => {
      if (event.type === 'progress' && 'progress' in event) phases.push(event.progress.phase);
      return null;
    });
    expect(engine.model?.id).toBe(modelId);
    return phases.length > 0 ? 'read' : 'kept';
  };
  expect(await load('llama')).toBe('read');
  expect(await load('gpt2', true)).toBe('read');
  expect(await load('llama', true)).toBe('kept');
  expect(await load('gpt2', true)).toBe('kept');
  // The first one stays, not the one in between.
  expect(await load('qwen2', true)).toBe('read');
  expect(await load('llama')).toBe('kept');
  expect(await load('qwen2')).toBe('read');
  expect(await load('llama')).toBe('read');
  expect(await load('gpt2', true)).toBe('read');
  await engine.unload();
  expect(engine.model).toBeNull();
  expect(await load('llama')).toBe('read');
});

it('answers about a model beside the loaded one, until it is released', async () => {
  const engine = new InferenceEngine(nodePlatform());
  const openModel = async (id: string): Promise<ModelFiles> =>
    memoryModelFiles(id, { 'model.gguf': await tinyGguf(id) });
  const changes: boolean[] = [];
  const service = new EngineService({ engine, openModel, onModel: (changing) => changes.push(changing) });
  const load = (modelId: string, beside = false) =>
    service.stream({ method: 'load', params: { modelId, contextSize: 64, beside } }, cancel, () => null);
  const logits = async (modelId?: string) => {
    const run = { ids: [3, 4, 5], interventions: [], query: { kind: 'logits' as const, token: 2, top: 1 } };
    const answer = await engine.inside({ ...run, ...(modelId === undefined ? {} : { modelId }) });
    return answer.kind === 'logits' ? [...answer.logits] : [];
  };
  await expect(load('gpt2', true)).rejects.toMatchObject({ code: 'NO_MODEL' });
  await load('llama');
  const first = await logits();
  changes.length = 0;
  await load('gpt2', true);
  expect(engine.model?.id).toBe('llama');
  // Clients that hear of a change read what they show again, which may load the model beside again, and so on.
  expect(changes).toEqual([]);
  const second = await logits('gpt2');
  expect(second).not.toEqual(first);
  expect(await logits()).toEqual(first);
  expect(await logits('llama')).toEqual(first);
  const text = { text: 'ab', addBos: false, parseSpecial: false };
  expect(engine.tokenize({ ...text, modelId: 'gpt2' }).ids.length).toBeGreaterThan(0);
  await load('qwen2', true);
  await expect(logits('gpt2')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  expect((await logits('qwen2')).length).toBeGreaterThan(0);
  expect(await engine.releaseInside('beside')).toBeGreaterThan(0);
  await expect(logits('qwen2')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  // What is known about the loaded model stays.
  const computed = engine.computedTokens;
  expect(await logits()).toEqual(first);
  expect(engine.computedTokens).toBe(computed);
  expect(await engine.releaseInside()).toBeGreaterThan(0);
  await load('gpt2');
  expect(await logits()).toEqual(second);
});

it('frees a model that was still being loaded beside when it was released', async () => {
  const engine = new InferenceEngine(nodePlatform());
  const opened = { resolve: () => {} };
  const gate = { resolve: () => {} };
  const isOpened = new Promise<void>((resolve) => (opened.resolve = resolve));
  const isFound = new Promise<void>((resolve) => (gate.resolve = resolve));
  const openModel = async (id: string): Promise<ModelFiles> => {
    if (id === 'gpt2') {
      opened.resolve();
      await isFound;
    }
    return memoryModelFiles(id, { 'model.gguf': await tinyGguf(id) });
  };
  const service = new EngineService({ engine, openModel });
  const load = (modelId: string, beside = false) =>
    service.stream({ method: 'load', params: { modelId, contextSize: 64, beside } }, cancel, () => null);
  await load('llama');
  const loading = load('gpt2', true);
  await isOpened;
  const released = engine.releaseInside();
  gate.resolve();
  await Promise.all([loading, released]);
  const run = { ids: [3, 4], interventions: [], query: { kind: 'tokens' as const } };
  await expect(engine.inside({ ...run, modelId: 'gpt2' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  expect((await engine.inside({ ...run, modelId: 'llama' })).kind).toBe('tokens');
});

it('keeps it when its file is gone, and does not confuse it with one that failed to load', async () => {
  const { state, files, load } = await setUp();
  await load();
  const there = state.files;
  state.files = { ...there, names: [] };
  await load();
  expect(state.phases).toEqual([]);
  await expect(load(32)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  state.files = {
    ...(await files('gpt2', 'broken')),
    open: () => Promise.reject(new EngineError('MODEL_IO', 'Broken.')),
  };
  await expect(load()).rejects.toMatchObject({ code: 'MODEL_IO' });
  // It is still the other file, and is tried again.
  await expect(load()).rejects.toMatchObject({ code: 'MODEL_IO' });
  state.files = there;
  expect((await load())?.architecture).toBe('llama');
  expect(state.phases).toEqual([]);
});
