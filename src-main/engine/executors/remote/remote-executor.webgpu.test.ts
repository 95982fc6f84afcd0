/** The webgpu executor across a connection, compared with the same one in this process. */
import { describe, expect, it } from 'vitest';
import { defaultGenerateParams, InferenceEngine, type Platform, type Profile } from '../../index.ts';
import { gpuInFullRun, sharedDevice, sharedGpu } from '../../test-support/gpu.ts';
import { gpuThread } from '../../test-support/gpu-thread.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { nodePlatform, reply } from '../../test-support/tiny-engine.ts';
import { WatchedLink } from '../../test-support/watched-link.ts';
import { MOST_IN_FLIGHT } from '../executor.ts';

const gpu = await gpuInFullRun();
const TIMEOUT = { timeout: 400_000 };
const TOKENS = 30;

async function engineOn(host: Pick<Platform, 'openGpu' | 'connectGpu'>): Promise<InferenceEngine> {
  const engine = new InferenceEngine({ ...nodePlatform(), ...host });
  await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { executor: 'webgpu' });
  return engine;
}

async function bothEngines() {
  const shared = sharedGpu(gpu!);
  const watched = new WatchedLink();
  const there = await engineOn({ connectGpu: () => Promise.resolve(watched.around(gpuThread(shared).link)) });
  return { here: await engineOn({ openGpu: () => Promise.resolve(shared) }), there, watched };
}

/** What does not depend on the time. */
function workOf({ prefill, decode }: Profile) {
  return [prefill, decode].map(({ tokens, threads, ops }) => {
    const work = ops.map(({ name, calls, bytes, multiplyAdds }) => ({ name, calls, bytes, multiplyAdds }));
    return { tokens, threads, ops: work.sort((a, b) => a.name.localeCompare(b.name)) };
  });
}

describe.skipIf(gpu === null)('the webgpu executor in another process (in the full run, with an adapter)', () => {
  it.each([0, 0.8])('gives the same tokens, in flight as well, temperature %d', TIMEOUT, async (temperature) => {
    const { here, there, watched } = await bothEngines();
    const params = defaultGenerateParams({ kind: 'text', text: 'Once upon a time' });
    params.sampling = { ...params.sampling, temperature, seed: 3 };
    params.stop = { ...params.stop, maxTokens: TOKENS, repetitionWindow: 0, ignoreEos: true };
    const [expected, found] = [await reply(here, params), await reply(there, params)];
    expect(found.end).toMatchObject({ ids: expected.end.ids, text: expected.end.text, stop: expected.end.stop });
    const plain = ({ tokens }: typeof found) => tokens.map(({ latencyMs: _, ...token }) => token);
    expect(plain(found)).toEqual(plain(expected));
    expect(watched.chosen).toBeGreaterThan(TOKENS / 2);
    expect(watched.most).toBe(MOST_IN_FLIGHT);
    expect(watched.unanswered).toBe(0);
    await Promise.all([here.unload(), there.unload()]);
  });

  it('has the GPU time of each operation', TIMEOUT, async (test) => {
    const { device } = await sharedDevice(gpu!);
    test.skip(!device.features?.has('timestamp-query'), 'This adapter has no timestamp queries.');
    const { here, there } = await bothEngines();
    const params = { prompt: 20, context: 4, generate: 3 };
    const [expected, found] = [await here.profile(params), await there.profile(params)];
    expect(workOf(found)).toEqual(workOf(expected));
    for (const { ms, ops } of [found.prefill, found.decode]) {
      const measured = ops.reduce((sum, op) => sum + op.ms, 0);
      expect(measured).toBeGreaterThan(0);
      expect(measured).toBeLessThanOrEqual(ms);
    }
    await Promise.all([here.unload(), there.unload()]);
  });
});
