import { beforeAll, describe, expect, it, vi } from 'vitest';
import { nodeKernelThreads } from '../../hosts/node/kernel-threads.ts';
import { defaultGenerateParams, EngineError, InferenceEngine, type GenerateParams, type LanesEvent } from '../index.ts';
import { testKernels } from '../test-support/kernels.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { nodePlatform, reply } from '../test-support/tiny-engine.ts';

function params(text: string, change: Partial<GenerateParams['sampling']> = {}, maxTokens = 24): GenerateParams {
  const defaults = defaultGenerateParams({ kind: 'text', text });
  return {
    ...defaults,
    sampling: { ...defaults.sampling, seed: 7, ...change },
    stop: { ...defaults.stop, maxTokens },
  };
}

type Events = Extract<LanesEvent, { type: 'lane' }>[];

async function all(lanes: AsyncIterable<LanesEvent>): Promise<Events> {
  const events: Events = [];
  for await (const event of lanes) if (event.type === 'lane') events.push(event);
  return events;
}

function endOf(events: Events, lane: number) {
  const end = events.find(({ lane: of, event }) => of === lane && event.type === 'end')?.event;
  if (end?.type !== 'end') throw new Error(`Lane ${lane} has no end.`);
  return end;
}

describe.each(['reference', 'wasm'] as const)('lanes on the %s executor', (executor) => {
  let engine: InferenceEngine;
  beforeAll(async () => {
    engine = new InferenceEngine({
      ...nodePlatform(),
      compileKernels: async () => testKernels(),
      threads: nodeKernelThreads(),
    });
    await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { executor });
    return () => engine.unload();
  });

  const requests = [
    params('Once upon a time'),
    params('Once upon a time', { temperature: 0 }),
    params('Once upon a hill', { seed: 3 }, 9),
    params('The cat', { topK: 5 }),
  ];

  it('equal the replies generated one by one', async () => {
    const single: Awaited<ReturnType<typeof reply>>['end'][] = [];
    for (const request of requests) single.push((await reply(engine, request)).end);
    const events = await all(engine.generateLanes(requests.map((request) => ({ params: request }))));
    requests.forEach((_, lane) => {
      const { text, ids, stop } = endOf(events, lane);
      expect({ text, ids, stop }).toEqual({
        text: single[lane].text,
        ids: single[lane].ids,
        stop: single[lane].stop,
      });
    });
  });

  it('share the common prefix of their prompts, also with the previous sequence', async () => {
    const prompt = 'Once upon a time there was a little girl who liked to play with her red ball';
    const first = await reply(engine, params(prompt, {}, 1));
    const events = await all(engine.generateLanes([1, 2, 3].map((seed) => ({ params: params(prompt, { seed }) }))));
    const starts = events.flatMap(({ event }) => (event.type === 'start' ? [event] : []));
    const { promptIds } = first.start;
    expect(starts.map(({ reusedTokens }) => reusedTokens)).toEqual(Array(3).fill(promptIds.length - 1));
    const again = await reply(engine, params(prompt, {}, 1));
    expect(again.start.reusedTokens).toBe(promptIds.length - 1);
  });

  it('stop one by one', async () => {
    const cancel = { cancelled: false };
    const events: Events = [];
    let tokens = 0;
    for await (const each of engine.generateLanes([{ params: requests[0], cancel }, { params: requests[1] }])) {
      if (each.type !== 'lane') continue;
      events.push(each);
      if (each.lane === 0 && each.event.type === 'token' && ++tokens === 3) cancel.cancelled = true;
    }
    expect(endOf(events, 0).stop.reason).toBe('user');
    expect(endOf(events, 0).ids.length).toBeLessThan(24);
    expect(endOf(events, 1).ids).toEqual((await reply(engine, requests[1])).end.ids);
  });

  it('end when the reader stops, and the engine still works', async () => {
    for await (const each of engine.generateLanes(requests.map((request) => ({ params: request })))) {
      if (each.type === 'lane' && each.event.type === 'token') break;
    }
    expect((await reply(engine, requests[0])).end.ids.length).toBeGreaterThan(0);
  });

  it('reject an invalid request of any lane before anything runs', async () => {
    const bad = params('x', { topP: Number.NaN });
    await expect(all(engine.generateLanes([{ params: requests[0] }, { params: bad }]))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  it('end separately when they cannot begin', async () => {
    const { contextSize } = engine.model!;
    const tooLong = params('');
    tooLong.prompt = { kind: 'ids', ids: new Array<number>(contextSize + 1).fill(10) };
    const impossible = params('The cat', { grammar: { kind: 'gbnf', source: 'root ::= "\\uD800"' } });
    const events = await all(
      engine.generateLanes([tooLong, requests[0], impossible].map((request) => ({ params: request }))),
    );
    expect(endOf(events, 0).stop).toMatchObject({ reason: 'error', error: { code: 'CONTEXT_FULL' } });
    expect(endOf(events, 2).stop).toMatchObject({ reason: 'error', error: { code: 'GRAMMAR' } });
    expect(events.filter(({ lane }) => lane !== 1)).toHaveLength(2);
    expect(endOf(events, 1).ids).toEqual((await reply(engine, requests[0])).end.ids);
  });

  it('all end when they are cancelled, also while they wait for their turn', async () => {
    const cancel = { cancelled: false };
    const lanes = requests.map((request) => ({ params: request }));
    const events: Events = [];
    for await (const each of engine.generateLanes(lanes, cancel)) {
      if (each.type !== 'lane') continue;
      events.push(each);
      if (each.event.type === 'token') cancel.cancelled = true;
    }
    expect(requests.map((_, lane) => endOf(events, lane).stop.reason)).toEqual(requests.map(() => 'user'));
    await expect(all(engine.generateLanes(lanes, cancel))).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

/** The reference executor computes a thousand tokens here, perhaps on a busy machine. */
const timeout = 120_000;

describe.each(['reference', 'wasm'] as const)('the KV cells of lanes on the %s executor', { timeout }, (executor) => {
  const CONTEXT = 48;
  let engine: InferenceEngine;
  beforeAll(async () => {
    engine = new InferenceEngine({ ...nodePlatform(), compileKernels: async () => testKernels() });
    await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), { executor, contextSize: CONTEXT });
    return () => engine.unload();
  });

  const endless = (seed: number, whenFull: 'stop' | 'shift' = 'stop'): GenerateParams => {
    const request = params('Once upon a time there was', { seed }, 5000);
    request.prompt = { kind: 'text', text: 'Once upon a time there was', whenFull };
    request.stop = { ...request.stop, ignoreEos: true, repetitionWindow: 0 };
    return request;
  };

  it('give each of eight the whole context window', async () => {
    const lanes = Array.from({ length: 8 }, (_, seed) => endless(seed));
    const events = await all(engine.generateLanes(lanes.map((request) => ({ params: request }))));
    for (const [lane, request] of lanes.entries()) {
      const { stop, ids, contextUsed } = endOf(events, lane);
      expect(stop).toMatchObject({ reason: 'context_full', contextSize: CONTEXT });
      expect(contextUsed).toBe(CONTEXT);
      expect(ids).toEqual((await reply(engine, request)).end.ids);
    }
  });

  it('are there until all lanes have ended, and counted meanwhile', async () => {
    const before = engine.model!.memoryBytes;
    const lanes = [1, 2, 3].map((seed) => ({ params: endless(seed) }));
    let kvCacheBytes = 0;
    for await (const each of engine.generateLanes(lanes)) {
      if (each.type === 'prefill') ({ kvCacheBytes } = each);
      expect(engine.model!.memoryBytes.kvCache).toBe(before.kvCache + kvCacheBytes);
    }
    // Each of the three lanes has nearly the whole window.
    expect(kvCacheBytes).toBeGreaterThan(2.5 * before.kvCache * (1 - 8 / CONTEXT));
    expect(engine.model!.memoryBytes.kvCache).toBe(before.kvCache);
  });

  it('leave the chat in the cache alone', async () => {
    const chat = params('The cat sat on the mat and looked at the dog', {}, 4);
    const { start } = await reply(engine, chat);
    await all(engine.generateLanes([1, 2].map((seed) => ({ params: { ...endless(seed), useKvCache: false } }))));
    expect((await reply(engine, chat)).start.reusedTokens).toBe(start.promptIds.length - 1);
  });

  it('are enough for lanes that shift, and for those that compute everything anew', async () => {
    const shifting = { ...endless(1, 'shift'), stop: { ...endless(1).stop, maxTokens: 2 * CONTEXT } };
    const anew = { ...endless(2), stop: { ...endless(2).stop, maxTokens: 20 }, useKvCache: false };
    const lanes = [shifting, endless(3), anew, shifting];
    const events = await all(engine.generateLanes(lanes.map((request) => ({ params: request }))));
    for (const [lane, request] of lanes.entries()) {
      const { ids, stop } = (await reply(engine, request)).end;
      expect(endOf(events, lane)).toMatchObject({ ids, stop });
    }
  });
});

it('says how much memory lanes would need that there is no room for', async () => {
  const engine = new InferenceEngine({ ...nodePlatform(), compileKernels: async () => testKernels() });
  const files = await nodeModelFiles(TINY_TRANSFORMER_DIR);
  await engine.load(files, { executor: 'wasm' });
  const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(() => {
    throw new RangeError('no memory');
  });
  const lanes = [1, 2].map((seed) => ({ params: params('x', { seed }, 900) }));
  const { message, code, details } = (await all(engine.generateLanes(lanes)).catch((error: unknown) =>
    EngineError.from(error),
  )) as EngineError;
  grow.mockRestore();
  expect(code).toBe('OUT_OF_MEMORY');
  expect(message).toMatch(/2 lanes, \d+ tokens in all\. Use fewer lanes/);
  expect(details).toMatchObject({ lanes: 2 });
  expect((await all(engine.generateLanes(lanes))).length).toBeGreaterThan(0);
  await engine.unload();
});
