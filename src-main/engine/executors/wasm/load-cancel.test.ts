/** Unfinished loads leave no thread behind, which would hold on to its memory. */
import { describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { nodePlatform } from '../../../hosts/node/node-platform.ts';
import { InferenceEngine, type LoadOptions } from '../../index.ts';
import type { KernelThreads } from '../../api/platform.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';

/** Counts threads. @param then called for each thread that runs, with a function that makes it crash */
function countingHost(then: (lose: () => void) => void = () => undefined) {
  const host = nodeKernelThreads();
  const count = { started: 0, stopped: 0, collected: 0 };
  const threads: KernelThreads = {
    available: 2,
    async start(thread, onFailure) {
      const running = await host.start(thread, onFailure);
      count.started++;
      then(onFailure);
      return {
        async stop() {
          await running.stop();
          count.stopped++;
        },
      };
    },
  };
  const collectGarbage = () => void count.collected++;
  const engine = new InferenceEngine({ ...nodePlatform(), threads, measurements: undefined, collectGarbage });
  return { engine, count };
}

async function load(engine: InferenceEngine, options: LoadOptions) {
  return engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), options);
}

describe('a load that is cancelled', () => {
  it('with the last byte, starts no threads or stops them', async () => {
    const { engine, count } = countingHost();
    const cancel = { cancelled: false };
    const onProgress: LoadOptions['onProgress'] = ({ phase, bytesRead, totalBytes }) => {
      if (phase === 'weights' && bytesRead > 0.999 * totalBytes) cancel.cancelled = true;
    };
    await expect(load(engine, { cancel, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(cancel.cancelled).toBe(true);
    expect(count.stopped).toBe(count.started);
    expect(count.collected).toBe(1);
  });

  it.each([
    ['while tokens are timed', undefined],
    ['as its last step, when the executor is there', 2],
  ])('%s, stops its threads', async (_when, threads) => {
    const cancel = { cancelled: false };
    const { engine, count } = countingHost(() => (cancel.cancelled = true));
    const options = threads === undefined ? { cancel } : { cancel, threads };
    await expect(load(engine, options)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(count).toMatchObject({ started: 1, stopped: 1 });
    // The same engine can load after it.
    cancel.cancelled = false;
    const { engine: other, count: others } = countingHost();
    await load(other, {});
    await other.unload();
    expect(others).toMatchObject({ started: 1, stopped: 1 });
  });

  it('between two threads, stops the first and starts no other', async () => {
    const cancel = { cancelled: false };
    const { engine, count } = countingHost(() => (cancel.cancelled = true));
    await expect(load(engine, { cancel, threads: 3 })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(count).toMatchObject({ started: 1, stopped: 1 });
  });
});

it('a load that fails while it times tokens stops its threads', async () => {
  const { engine, count } = countingHost((lose) => lose());
  await expect(load(engine, {})).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  expect(count).toMatchObject({ started: 1, stopped: 1 });
});
