/** Counts what lanes compute, and checks their timings with a clock that only runs advance. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import type { GenerateEnd, GenerateParams, LanesEvent } from '../api/types.ts';
import type { Batch, Executor } from '../executors/executor.ts';
import { createReferenceExecutor } from '../executors/reference/reference-executor.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import type { Model } from '../models/model.ts';
import { openModel } from '../models/open-model.ts';
import { logitsNotNumbers } from '../sampling/raw-distribution.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { testPlatform } from '../test-support/scripted-model.ts';
import { ContextWindow } from './context-window.ts';
import { commonPrefix, generateLanes } from './generate-lanes.ts';
import { readPrompt } from './prompt.ts';

const CONTEXT = 64;
/** Duration of a run on the test's clock. */
const RUN_MS = 10;

let model: Model;
beforeAll(async () => {
  model = await openModel(await nodeModelFiles(TINY_TRANSFORMER_DIR), { contextSize: CONTEXT });
});

function params(ids: number[], seed: number, maxTokens = 3): GenerateParams {
  const defaults = defaultGenerateParams({ kind: 'ids', ids });
  return {
    ...defaults,
    sampling: { ...defaults.sampling, seed },
    stop: { ...defaults.stop, maxTokens, ignoreEos: true, repetitionWindow: 0 },
  };
}

/** @param fails whether a batch gives K or V that are NaN */
function setUp(fails: (batch: Batch) => boolean = () => false) {
  const platform = testPlatform();
  const executor = createReferenceExecutor(model.program, model.weights, { cells: CONTEXT });
  const run: Executor['run'] = executor.run.bind(executor);
  const runs = vi.spyOn(executor, 'run').mockImplementation((...args) => {
    platform.clock.time += RUN_MS;
    return fails(args[0]) ? Promise.reject(logitsNotNumbers()) : run(...args);
  });
  const context = new ContextWindow(executor, new KvCache(CONTEXT));
  /** Rows computed at positions of the prompt. */
  const promptRows = (tokens: number) =>
    runs.mock.calls.flatMap(([{ positions }]) => [...positions]).filter((position) => position < tokens).length;
  const events = (requests: readonly GenerateParams[]): AsyncIterable<LanesEvent> => {
    const lanes = requests.map((request) => ({
      model,
      executor: executor.name,
      context,
      platform,
      params: request,
      prompt: readPrompt(request.prompt, model, request.stop.maxTokens),
      seed: request.sampling.seed ?? 0,
      loadMs: 0,
      cancel: undefined,
    }));
    return generateLanes({ lanes, executor, context, contextSize: CONTEXT, platform, cancel: undefined });
  };
  const generate = async (requests: readonly GenerateParams[]) => {
    const all: LanesEvent[] = [];
    for await (const event of events(requests)) all.push(event);
    const [prefill] = all;
    if (prefill?.type !== 'prefill') throw new Error('The first event does not say what is shared.');
    const ends: GenerateEnd[] = [];
    for (const each of all) if (each.type === 'lane' && each.event.type === 'end') ends[each.lane] = each.event;
    return { prefill, ends };
  };
  return { runs, promptRows, events, generate };
}

const PROMPT = Array.from({ length: 20 }, (_, i) => 10 + i);

describe('the prompt of lanes', () => {
  it.each([1, 2, 4, 8])('is computed once for %d', async (count) => {
    const { generate, promptRows } = setUp();
    const { prefill } = await generate(Array.from({ length: count }, (_, seed) => params(PROMPT, seed)));
    expect(promptRows(PROMPT.length)).toBe(PROMPT.length);
    expect(prefill).toMatchObject({ sharedTokens: 19, reusedTokens: 0, computedTokens: 20 });
  });

  it('is not computed again where it is in the cache', async () => {
    const { generate, promptRows } = setUp();
    await generate([params(PROMPT, 1)]);
    const { prefill } = await generate([
      params([...PROMPT, 5], 1),
      params([...PROMPT, 6], 2),
      params([...PROMPT, 6], 3),
    ]);
    expect(prefill).toMatchObject({ sharedTokens: 20, reusedTokens: 19, computedTokens: 3 });
    expect(promptRows(20)).toBe(21);
  });

  it('is computed once as far as all begin alike, where they differ', async () => {
    const { generate, promptRows } = setUp();
    const prompts = [PROMPT, [...PROMPT.slice(0, 12), 99, 98], [...PROMPT.slice(0, 12), 99, 98]];
    const { prefill } = await generate(prompts.map((ids, seed) => params(ids, seed, 1)));
    expect(prefill).toMatchObject({ sharedTokens: 12, computedTokens: 12 + 8 + 2 });
    expect(promptRows(20)).toBe(22);
  });

  it('is computed by each lane that does not use the cache', async () => {
    const { generate } = setUp();
    const without = { ...params(PROMPT, 1), useKvCache: false };
    const { prefill } = await generate([params(PROMPT, 1), without]);
    expect(prefill).toMatchObject({ sharedTokens: 19, computedTokens: 40 });
  });
});

describe('what lanes compute', () => {
  it('is computed once while they are equal', async () => {
    const { generate, runs } = setUp();
    const { ends } = await generate([params(PROMPT, 7, 6), params(PROMPT, 7, 6), params(PROMPT, 8, 6)]);
    expect(ends[1].ids).toEqual(ends[0].ids);
    const differsAt = ends[2].ids.findIndex((id, i) => id !== ends[0].ids[i]);
    expect(differsAt).toBeGreaterThanOrEqual(0);
    // The shared prefix, the prompt's last token, then one row for each different lane; the last token is not run.
    const rows = runs.mock.calls.map(([{ tokens }]) => tokens.length);
    expect(rows).toEqual([19, 1, ...Array.from({ length: 5 }, (_, step) => (step < differsAt ? 1 : 2))]);
  });

  it('fits in batches of as many rows as the context window has', async () => {
    const { generate, runs } = setUp();
    const prompts = Array.from({ length: 4 }, (_, lane) => Array.from({ length: 50 }, (__, i) => 10 + lane + i));
    const { ends } = await generate(prompts.map((ids, seed) => params(ids, seed, 2)));
    expect(Math.max(...runs.mock.calls.map(([{ tokens }]) => tokens.length))).toBeLessThanOrEqual(CONTEXT);
    for (const [lane, ids] of prompts.entries()) {
      expect((await setUp().generate([params(ids, lane, 2)])).ends[0].ids).toEqual(ends[lane].ids);
    }
  });
});

describe('a lane whose K or V are NaN', () => {
  it('ends alone, and the others give the same tokens', async () => {
    // Only the second lane has a token there, its third.
    const nanAt = PROMPT.length + 6;
    const requests = [
      params(PROMPT, 1, 6),
      params([...PROMPT, 5, 6, 7, 8], 2, 9),
      params([...PROMPT.slice(0, 5), 40], 3, 9),
    ];
    const { ends: expected } = await setUp().generate(requests);
    const { generate, runs } = setUp(({ positions }) => positions.includes(nanAt));
    const { ends } = await generate(requests);
    expect(ends[1].stop).toMatchObject({ reason: 'error', tokens: 3, error: { code: 'INTERNAL' } });
    expect(ends[1].ids).toEqual(expected[1].ids.slice(0, 3));
    for (const lane of [0, 2]) {
      const { ids, stop } = expected[lane];
      expect(ends[lane]).toMatchObject({ ids, stop });
    }
    // The shared prefix and the rest of the prompts; then the batch that fails is run lane by lane.
    const rows = runs.mock.calls.map(([{ tokens }]) => tokens.length);
    expect(rows).toEqual([5, 35, 3, 3, 3, 1, 1, 1, 2, 2, 1, 1, 1]);
  });
});

it('waits for a reader that is behind', async () => {
  const { runs, events } = setUp();
  const requests = [1, 2, 3, 4].map((seed) => params([10, 11], seed, 5000));
  let count = 0;
  let meanwhile = 0;
  for await (const event of events(requests)) {
    if (event.type !== 'lane' || ++count !== 5) continue;
    // Until nothing more is computed.
    for (meanwhile = -1; meanwhile !== runs.mock.calls.length;) {
      meanwhile = runs.mock.calls.length;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  // Each run yields four events, and about 64 wait; each of the four lanes has 62 tokens.
  expect(meanwhile).toBeLessThan(25);
  expect(count).toBe(4 * (CONTEXT - 2 + 2));
});

describe('the times of lanes', () => {
  it('are those of each', async () => {
    const { generate } = setUp();
    const { ends } = await generate([params(PROMPT, 1, 3), params(PROMPT, 2, 6)]);
    // One run for the shared prefix, one for the last token of the prompt and the first of the reply.
    const prefill = { prefillMs: 2 * RUN_MS, timeToFirstTokenMs: 2 * RUN_MS, prefillTokensPerSecond: 1000 };
    expect(ends[0].timings).toMatchObject({ ...prefill, decodeTokensPerSecond: 100, totalMs: 4 * RUN_MS });
    expect(ends[1].timings).toMatchObject({ ...prefill, decodeTokensPerSecond: 100, totalMs: 7 * RUN_MS });
  });
});

describe('commonPrefix', () => {
  it('excludes the last token of each', () => {
    expect(commonPrefix([[1, 2, 3]])).toEqual([1, 2]);
    expect(
      commonPrefix([
        [1, 2, 3],
        [1, 2, 3, 4],
      ]),
    ).toEqual([1, 2]);
    expect(
      commonPrefix([
        [1, 2, 3],
        [1, 9, 3],
      ]),
    ).toEqual([1]);
    expect(commonPrefix([[1], [1]])).toEqual([]);
    expect(commonPrefix([])).toEqual([]);
  });
});
