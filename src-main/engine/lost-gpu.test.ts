/** A GPU that is lost during a reply, and the CPU on which the reply continues. The GPU computes nothing. */
import { describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../hosts/node/kernel-threads.ts';
import type { Gpu } from './api/gpu.ts';
import type { KernelThreads, ModelFiles } from './api/platform.ts';
import { defaultGenerateParams, EngineError, type GenerateEvent, InferenceEngine } from './index.ts';
import { imaginedGpu } from './test-support/imagined-gpu.ts';
import { kernelPlatform } from './test-support/tiny-engine.ts';
import { tinyGgufFiles } from './test-support/tiny-gguf.ts';

const TIMEOUT = { timeout: 60_000 };

function losableGpu(): { gpu: Gpu; lose(): void } {
  let fault: { message: string } | null = null;
  const { device, adapter } = imaginedGpu();
  const losable = { ...device, popErrorScope: () => Promise.resolve(fault) };
  const requestDevice = () => Promise.resolve(losable);
  return {
    gpu: { requestAdapter: () => Promise.resolve({ info: adapter, limits: device.limits, requestDevice }) },
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
  return { engine, state, reply };
}

describe('a GPU that is lost during a reply', () => {
  it('is replaced by the CPU with the same settings', TIMEOUT, async () => {
    const { engine, reply } = await setUp();
    const { moved, end } = await reply();
    const kernels = { threads: 2, kvCacheType: 'f16' };
    expect(moved).toMatchObject([{ model: { executor: 'wasm', contextSize: 40, kernels } }]);
    expect(end).toMatchObject({ type: 'end', stop: { reason: 'max_tokens' } });
    expect(engine.model).toMatchObject({ executor: 'wasm' });
    await engine.unload();
  });

  it('does not hide that a CPU thread crashes later', TIMEOUT, async () => {
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

  it('leaves no model if the CPU cannot load it', TIMEOUT, async () => {
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
