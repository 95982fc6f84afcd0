/** Lanes whose executor is lost give the tokens of undisturbed ones. */
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import { EngineError } from '../api/errors.ts';
import type { GenerateParams, LanesEvent, ModelInfo } from '../api/types.ts';
import type { Executor } from '../executors/executor.ts';
import { createReferenceExecutor } from '../executors/reference/reference-executor.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import type { Model } from '../models/model.ts';
import { openModel } from '../models/open-model.ts';
import { bestOf } from '../test-support/best-logits.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { testPlatform } from '../test-support/scripted-model.ts';
import { ContextWindow } from './context-window.ts';
import { generateLanes } from './generate-lanes.ts';
import { readPrompt } from './prompt.ts';

const CONTEXT = 48;
const PROMPT = [10, 11, 12, 13, 14];

let model: Model;
beforeAll(async () => {
  model = await openModel(await nodeModelFiles(TINY_TRANSFORMER_DIR), { contextSize: CONTEXT });
});

function params(ids: readonly number[], seed: number, change: (params: GenerateParams) => void = () => undefined) {
  const all = defaultGenerateParams({ kind: 'ids', ids: [...ids] });
  all.sampling.seed = seed;
  all.stop = { ...all.stop, maxTokens: 12, ignoreEos: true, repetitionWindow: 0 };
  change(all);
  return all;
}

const REQUESTS = [
  params(PROMPT, 1),
  params(PROMPT, 2, ({ sampling }) => void (sampling.temperature = 0)),
  params([...PROMPT, 20, 21], 3, ({ sampling }) => void (sampling.mirostat = 2)),
  params([30, 31], 4, (all) => void (all.useKvCache = false)),
  params(PROMPT, 5, ({ stop }) => void (stop.maxTokens = 3)),
];

interface Fault {
  /** The run that fails, counted from 1, as do all later ones. */
  run?: number;
  /** As above, but reading more than the best logits fails. */
  read?: number;
}

function setUp(fault: Fault) {
  const platform = testPlatform();
  const open = () => {
    const executor = createReferenceExecutor(model.program, model.weights, { cells: CONTEXT });
    return { executor, context: new ContextWindow(executor, new KvCache(CONTEXT)) };
  };
  const home = open();
  let [runs, reads, isLost, recoveries] = [0, 0, false, 0];
  const lost = () => new EngineError('BACKEND_LOST', 'The GPU was lost.');
  const run = home.executor.run.bind(home.executor);
  const failing: Executor['run'] = async (batch, outputs, cancel) => {
    isLost ||= ++runs === fault.run;
    if (isLost) throw lost();
    const result = await run(batch, outputs, cancel);
    if (fault.read === undefined || !outputs.bestFirst) return result;
    const handles = result.logits.map(async (handle) => {
      const values = (await handle.read()).slice();
      const best = bestOf(values, 4, () => {
        isLost ||= ++reads === fault.read;
        if (isLost) throw lost();
      });
      return { read: () => Promise.resolve(values), lend: () => Promise.resolve(best) };
    });
    return { ...result, logits: await Promise.all(handles) };
  };
  home.executor.run = failing;
  const recover = (error: EngineError) => {
    recoveries++;
    // A second loss is final.
    if (recoveries > 1) return Promise.reject(error);
    return Promise.resolve({ ...open(), model: { name: 'moved' } as ModelInfo, notice: 'Moved.' });
  };
  const lanes = REQUESTS.map((request) => ({
    ...{ model, executor: home.executor.name, context: home.context, platform, params: request },
    prompt: readPrompt(request.prompt, model, request.stop.maxTokens),
    seed: request.sampling.seed ?? 0,
    ...{ loadMs: 0, cancel: undefined },
  }));
  const events = generateLanes({ ...home, lanes, contextSize: CONTEXT, platform, cancel: undefined, recover });
  return { events, counts: () => ({ runs, reads, recoveries }) };
}

async function collect(events: AsyncIterable<LanesEvent>) {
  const tokens: number[][] = REQUESTS.map(() => []);
  const moved: number[] = [];
  const stops: string[] = [];
  for await (const each of events) {
    if (each.type !== 'lane') continue;
    const { lane, event } = each;
    if (event.type === 'token') tokens[lane].push(event.token.id);
    if (event.type === 'moved') moved.push(lane);
    if (event.type === 'end') stops[lane] = event.stop.reason;
  }
  return { tokens, moved: moved.sort(), stops };
}

describe('lanes whose executor is lost', () => {
  // During the shared prefix, at the first token, in the middle, and when one lane has ended.
  it.each([1, 2, 3, 9])('at run %i continue together with the same tokens', async (run) => {
    const expected = await collect(setUp({}).events);
    const { events, counts } = setUp({ run });
    const found = await collect(events);
    expect(found.tokens).toEqual(expected.tokens);
    expect(found.stops).toEqual(expected.stops);
    expect(found.moved).toEqual(run === 9 ? [0, 1, 2, 3] : [0, 1, 2, 3, 4]);
    expect(counts().recoveries).toBe(1);
  });

  it.each([1, 2, 5])('at read %i of the other logits continue with the same tokens', async (read) => {
    const expected = await collect(setUp({}).events);
    const { events, counts } = setUp({ read });
    const found = await collect(events);
    expect(counts().reads).toBeGreaterThanOrEqual(read);
    expect(found.tokens).toEqual(expected.tokens);
    expect(counts().recoveries).toBe(1);
  });

  it('stop while they move', async () => {
    const { events } = setUp({ run: 4 });
    let count = 0;
    for await (const event of events) {
      if (event.type === 'lane' && event.event.type === 'moved' && ++count === 2) break;
    }
    expect(count).toBe(2);
  });
});
