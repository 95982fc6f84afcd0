import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../../engine/api/defaults.ts';
import type { InsideAnswer } from '../../engine/api/inside-types.ts';
import type { GenerateEvent } from '../../engine/api/types.ts';
import { askInside } from '../../protocol/engine/ask-inside.ts';
import { EngineClient } from '../../protocol/engine/client.ts';
import { memoryTransportPair } from '../../protocol/engine/test-support/memory.ts';
import { startEngineThread, type EngineThread } from './spawn-engine.ts';
import { settledArrayBuffers } from './test-support/array-buffers.ts';
import { BUILT_ENGINE_WORKER as workerUrl } from './test-support/built-engine-worker.ts';

const modelsDir = fileURLToPath(new URL('../../../resources/models', import.meta.url));

let thread: EngineThread;

function connect(): { client: EngineClient; close(): void } {
  const [near, far] = memoryTransportPair();
  const { close } = thread.connect(far);
  return { client: new EngineClient(near), close };
}

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

function endless() {
  const params = defaultGenerateParams({ kind: 'text', text: 'Once upon a time' });
  params.stop = { ...params.stop, maxTokens: 5000, ignoreEos: true, repetitionWindow: 0 };
  return { ...params, useKvCache: false };
}

afterEach(() => thread.terminate());

describe('startEngineThread', () => {
  it('opens a model at the path it is given, under the requested id', async () => {
    const asked: string[] = [];
    const locate = (modelId: string) => {
      asked.push(modelId);
      return Promise.resolve(modelId === 'opened-1' ? `${modelsDir}/tiny-transformer` : null);
    };
    thread = startEngineThread({ workerUrl, modelsDir, locate });
    const { client } = connect();
    expect(await client.call('describe', { modelId: 'opened-1' })).toMatchObject({
      id: 'opened-1',
      name: 'TinyTransformer',
      contextSize: 1000,
      problem: null,
    });
    await collect(client.stream('load', { modelId: 'opened-1', contextSize: 300 }));
    expect((await client.call('status', {})).model).toMatchObject({ id: 'opened-1', contextSize: 300 });
    // Another context size requires another load.
    await collect(client.stream('load', { modelId: 'opened-1', contextSize: 200 }));
    expect((await client.call('status', {})).model?.contextSize).toBe(200);
    await expect(client.call('describe', { modelId: 'opened-2' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect(asked).toEqual(['opened-1', 'opened-1', 'opened-1', 'opened-2']);
  });

  it('shares one engine among its connections, and a cancel reaches its own only', async () => {
    thread = startEngineThread({ workerUrl, modelsDir });
    const [first, second] = [connect(), connect()];
    await collect(first.client.stream('load', { modelId: 'tiny-transformer' }));
    expect((await second.client.call('status', {})).model?.id).toBe('tiny-transformer');

    // Both use the same ids, each with its own flags.
    const events: GenerateEvent[] = [];
    for await (const event of first.client.stream('generate', endless())) {
      events.push(event);
      if (events.length === 3) {
        const waiting = new AbortController();
        const other = collect(second.client.stream('generate', endless(), { signal: waiting.signal }));
        await second.client.call('status', {});
        waiting.abort();
        await expect(other).rejects.toMatchObject({ code: 'CANCELLED' });
      }
      if (events.length === 20) break;
    }
    expect(events).toHaveLength(20);
  });

  it('holds no answers that it passed on when the engine has released them', async () => {
    thread = startEngineThread({ workerUrl, modelsDir });
    const { client } = connect();
    await collect(client.stream('load', { modelId: 'tiny-transformer' }));
    const used = () => process.memoryUsage().arrayBuffers;
    const before = await settledArrayBuffers();
    const run = { ids: Array.from({ length: 600 }, (_, i) => 5 + i), interventions: [] };
    // A function of its own, which lets go of the last answer.
    const held = async () => {
      let last: InsideAnswer | null = null;
      for (let head = 0; head < 4; head++) {
        last = await askInside(client, run, { kind: 'attention', layer: 0, head, from: 0, to: 600 });
      }
      // The last answer, at least: V8 may have collected the others.
      const bytes = used() - before;
      expect(last?.kind).toBe('attention');
      return bytes;
    };
    expect(await held()).toBeGreaterThan(3e6);
    await client.call('releaseInside', {});
    await expect.poll(used).toBeLessThan(before + 1e6);
  });

  it('stops a reply whose client is gone, and still serves the others', async () => {
    thread = startEngineThread({ workerUrl, modelsDir });
    const [first, second] = [connect(), connect()];
    await collect(first.client.stream('load', { modelId: 'tiny-transformer' }));
    const reply = collect(first.client.stream('generate', endless()));
    await expect.poll(async () => (await second.client.call('status', {})).busy).toBe(true);
    first.close();
    await expect(reply).rejects.toMatchObject({ code: 'BACKEND_LOST' });
    await expect.poll(async () => (await second.client.call('status', {})).busy).toBe(false);
  });

  it('reports why it ended, and pending calls fail', async () => {
    thread = startEngineThread({ workerUrl: new URL('./no-such-worker.mjs', import.meta.url), modelsDir });
    const answer = connect().client.call('status', {});
    await expect(answer).rejects.toMatchObject({ code: 'BACKEND_LOST' });
    expect(await thread.ended).toMatch(/no-such-worker/);
    await expect(new EngineClient(thread.open()).call('status', {})).rejects.toMatchObject({ code: 'BACKEND_LOST' });
    await expect(connect().client.call('status', {})).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  });
});
