/** A GPU that is lost during a reply, and the CPU on which the reply continues. The GPU computes nothing. */
import { describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../hosts/node/kernel-threads.ts';
import type { Gpu } from './api/gpu.ts';
import type { KernelThreads, ModelFiles } from './api/platform.ts';
import { defaultGenerateParams, EngineError, type GenerateEvent, InferenceEngine, type LanesEvent } from './index.ts';
import { gpuWith, imaginedGpu } from './test-support/imagined-gpu.ts';
import { kernelPlatform } from './test-support/tiny-engine.ts';
import { tinyGgufFiles } from './test-support/tiny-gguf.ts';

function losableGpu(): { gpu: Gpu; lose(): void } {
  let fault: { message: string } | null = null;
  return {
    gpu: gpuWith(imaginedGpu(), { popErrorScope: () => Promise.resolve(fault) }),
    lose: () => (fault = { message: 'The driver was updated.' }),
  };
}

async function setUp() {
  const host = nodeKernelThreads();
  const [{ gpu, lose }, files] = [losableGpu(), await tinyGgufFiles('llama')];
  const state = { crash: (): void => undefined, areFilesGone: false, collected: 0 };
  const threads: KernelThreads = {
    available: 2,
    start(thread, onFailure) {
      state.crash = onFailure;
      return host.start(thread, onFailure);
    },
  };
  const removable: ModelFiles = {
    ...files,
    open: (name) =>
      state.areFilesGone ? Promise.reject(new EngineError('MODEL_IO', 'The file is gone.')) : files.open(name),
  };
  const collectGarbage = () => void state.collected++;
  const openGpu = () => Promise.resolve(gpu);
  const engine = new InferenceEngine({ ...kernelPlatform(), threads, openGpu, collectGarbage });
  await engine.load(removable, { executor: 'webgpu', contextSize: 40, threads: 2, kvCacheType: 'f16' });
  /** A reply during which the GPU is lost. */
  const reply = async (onEvent: (event: GenerateEvent) => void = () => undefined) => {
    const params = defaultGenerateParams({ kind: 'ids', ids: [3, 4, 5] });
    params.sampling.temperature = 0;
    params.stop = { ...params.stop, maxTokens: 6, repetitionWindow: 0, ignoreEos: true };
    const events: GenerateEvent[] = [];
    for await (const event of engine.generate(params)) {
      // After the start and two tokens.
      if (events.push(event) === 3) lose();
      onEvent(event);
    }
    return { moved: events.filter(({ type }) => type === 'moved'), end: events.at(-1) };
  };
  /** Lanes during which the GPU is lost: when so many of them have ended, after some tokens (0), or before the first (-1). */
  const compare = async (lanes: number, afterEnds = 0) => {
    const requests = Array.from({ length: lanes }, (_, lane) => {
      const params = defaultGenerateParams({ kind: 'ids', ids: [3, 4, 5 + lane] });
      params.sampling = { ...params.sampling, temperature: 1, seed: lane };
      params.stop = { ...params.stop, maxTokens: lane < afterEnds ? 1 : 6, repetitionWindow: 0, ignoreEos: true };
      return { params };
    });
    const events: Extract<LanesEvent, { type: 'lane' }>[] = [];
    for await (const event of engine.generateLanes(requests)) {
      if (event.type !== 'lane') {
        if (afterEnds < 0) lose();
        continue;
      }
      events.push(event);
      const [tokens, ends] = ['token', 'end'].map((type) => events.filter((one) => one.event.type === type).length);
      if (afterEnds > 0 ? ends === afterEnds : afterEnds === 0 && tokens === 2 * lanes) lose();
    }
    return events;
  };
  return { engine, state, reply, compare, lose };
}

function eventsOf(events: readonly Extract<LanesEvent, { type: 'lane' }>[], type: GenerateEvent['type']) {
  return events.filter(({ event }) => event.type === type);
}

describe('a GPU that is lost during a reply', () => {
  it('is replaced by the CPU with the same settings', async () => {
    const { engine, reply } = await setUp();
    const { moved, end } = await reply();
    const kernels = { threads: 2, kvCacheType: 'f16' };
    expect(moved).toMatchObject([{ model: { executor: 'wasm', contextSize: 40, kernels } }]);
    expect(end).toMatchObject({ type: 'end', stop: { reason: 'max_tokens' } });
    expect(engine.model).toMatchObject({ executor: 'wasm' });
    await engine.unload();
  });

  it('does not hide that a CPU thread crashes later', async () => {
    const { engine, state, reply } = await setUp();
    const { moved, end } = await reply(({ type }) => {
      if (type === 'moved') state.crash();
    });
    expect(moved).toHaveLength(1);
    expect(end).toMatchObject({ stop: { reason: 'error', error: { code: 'BACKEND_LOST' } } });
    expect(end).toMatchObject({ stop: { error: { message: 'A CPU kernel thread crashed. Load the model again.' } } });
    expect(engine.model).toBeNull();
    await engine.unload();
  });

  it('leaves no model if the CPU cannot load it', async () => {
    const { engine, state, reply } = await setUp();
    state.areFilesGone = true;
    const { moved, end } = await reply();
    expect(moved).toEqual([]);
    const message = 'The GPU was lost, and the CPU cannot load the model. The file is gone.';
    expect(end).toMatchObject({ stop: { reason: 'error', error: { code: 'BACKEND_LOST', message } } });
    expect(engine.model).toBeNull();
    // That of the model on the GPU, and that of the failed load.
    expect(state.collected).toBe(2);
  });
});

describe('a GPU that is lost while lanes are generated', () => {
  it.each([
    [1, 0],
    [3, 0],
    [3, 1],
  ])('is replaced by the CPU: %i lanes, of which %i had ended', async (lanes, ended) => {
    const { engine, compare } = await setUp();
    const events = await compare(lanes, ended);
    const moved = eventsOf(events, 'moved');
    expect(moved.map(({ lane }) => lane).sort()).toEqual(Array.from({ length: lanes - ended }, (_, i) => i + ended));
    expect(moved[0].event).toMatchObject({ model: { executor: 'wasm', contextSize: 40 } });
    const ends = eventsOf(events, 'end');
    expect(ends).toHaveLength(lanes);
    for (const { event } of ends) expect(event).toMatchObject({ stop: { reason: 'max_tokens' } });
    expect(engine.model).toMatchObject({ executor: 'wasm', choice: { executor: 'wasm' } });
    await engine.unload();
  });

  it('before the first token is replaced, too', async () => {
    const { engine, compare } = await setUp();
    const events = await compare(2, -1);
    expect(eventsOf(events, 'start')).toHaveLength(2);
    expect(eventsOf(events, 'moved')).toHaveLength(2);
    expect(eventsOf(events, 'token')).toHaveLength(12);
    await engine.unload();
  });

  it('ends all of them if the CPU cannot load the model', async () => {
    const { engine, compare, state } = await setUp();
    state.areFilesGone = true;
    const events = await compare(2);
    expect(eventsOf(events, 'moved')).toEqual([]);
    const message = 'The GPU was lost, and the CPU cannot load the model. The file is gone.';
    for (const { event } of eventsOf(events, 'end')) {
      expect(event).toMatchObject({ stop: { reason: 'error', error: { code: 'BACKEND_LOST', message } } });
    }
    expect(engine.model).toBeNull();
  });
});

describe('a GPU that was lost', () => {
  it('is not chosen automatically until a person has chosen it again', async () => {
    const { engine, reply } = await setUp();
    await reply();
    const files = await tinyGgufFiles('llama');
    const automatic = await engine.load(files, { executor: 'auto', threads: 1 });
    const reason = 'The GPU was lost: The driver was updated. To try it again, choose GPU.';
    expect(automatic).toMatchObject({ executor: 'wasm', choice: { executor: 'wasm', reason } });
    await engine.unload();
  });

  it('during a request that ends with the error is not chosen either', async () => {
    const { engine, lose } = await setUp();
    lose();
    const score = engine.score({ prompt: { kind: 'ids', ids: [3, 4, 5] }, top: 1 });
    await expect(score).rejects.toMatchObject({ code: 'BACKEND_LOST' });
    expect(engine.model).toBeNull();
    const files = await tinyGgufFiles('llama');
    const automatic = await engine.load(files, { executor: 'auto', threads: 1 });
    expect(automatic).toMatchObject({
      executor: 'wasm',
      choice: { reason: expect.stringMatching(/^The GPU was lost/) as string },
    });
    await engine.unload();
  });
});
