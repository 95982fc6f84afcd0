import { beforeAll, describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../hosts/node/kernel-threads.ts';
import { defaultGenerateParams, InferenceEngine, type GenerateParams, type LanesEvent } from '../index.ts';
import { testKernels } from '../test-support/kernels.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { nodePlatform, reply } from '../test-support/tiny-engine.ts';
import { commonBeginning } from './generate-lanes.ts';

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

describe('commonBeginning', () => {
  it('leaves the last token of each out', () => {
    expect(commonBeginning([[1, 2, 3]])).toEqual([1, 2]);
    expect(
      commonBeginning([
        [1, 2, 3],
        [1, 2, 3, 4],
      ]),
    ).toEqual([1, 2]);
    expect(
      commonBeginning([
        [1, 2, 3],
        [1, 9, 3],
      ]),
    ).toEqual([1]);
    expect(commonBeginning([[1], [1]])).toEqual([]);
  });
});

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

  it('are the replies that come one by one', async () => {
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

  it('share what their prompts begin with, also with what was there', async () => {
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

  it('end when nobody reads any more, and the engine lives on', async () => {
    for await (const each of engine.generateLanes(requests.map((request) => ({ params: request })))) {
      if (each.type === 'lane' && each.event.type === 'token') break;
    }
    expect((await reply(engine, requests[0])).end.ids.length).toBeGreaterThan(0);
  });

  it('refuse what any of them has wrong, before anything runs', async () => {
    const bad = params('x', { topP: Number.NaN });
    await expect(all(engine.generateLanes([{ params: requests[0] }, { params: bad }]))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  it('fail alone when the window is full', async () => {
    const { contextSize } = engine.model!;
    const long = (offset: number): GenerateParams => ({
      ...params('', { temperature: 0 }, 2),
      prompt: { kind: 'ids', ids: Array.from({ length: contextSize - 400 }, (_, i) => 10 + ((i + offset) % 500)) },
    });
    const events = await all(engine.generateLanes([{ params: long(0) }, { params: long(250) }]));
    const reasons = [0, 1].map((lane) => endOf(events, lane).stop);
    expect(reasons.filter((stop) => stop.reason === 'error' && stop.error.code === 'CONTEXT_FULL')).toHaveLength(1);
    expect(reasons.filter(({ reason }) => reason === 'max_tokens')).toHaveLength(1);
  });
});
