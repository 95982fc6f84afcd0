/** Generates several replies as one batch. */
import type { Executor } from '../executors/executor.ts';
import type { KvCache } from '../kv-cache/kv-cache.ts';
import type { CancelToken, Platform } from '../api/platform.ts';
import { EngineError } from '../api/errors.ts';
import type { GenerateEvent, LanesEvent } from '../api/types.ts';
import type { ContextWindow } from './context-window.ts';
import { generate, type GenerateJob } from './generate.ts';
import { HostYield } from './host-yield.ts';
import { Lanes } from './lanes.ts';
import { logitsAfter } from './prefill.ts';

export interface LanesJob {
  /** At least one. */
  jobs: readonly GenerateJob[];
  executor: Executor;
  cache: KvCache;
  context: ContextWindow;
  platform: Platform;
  /** Stops all lanes, each of which still gives its `end`. */
  cancel: CancelToken | undefined;
}

/** Each reply is the one that `generate` would give. */
export async function* generateLanes(all: LanesJob): AsyncGenerator<LanesEvent, void, undefined> {
  const { executor, cache, context } = all;
  let abandoned = false;
  const stopsAll = (): boolean => abandoned || (all.cancel?.cancelled ?? false);
  const jobs = all.jobs.map((job) => ({ ...job, cancel: either(stopsAll, job.cancel) }));
  const prompts = jobs.map(({ prompt }) => prompt.ids);
  const shared = commonBeginning(prompts);
  // One more, because the last is never taken from what is there.
  const reusedTokens = context.reuse([...shared, 0]);
  const computedTokens = prompts.reduce((sum, ids) => sum + ids.length - shared.length, shared.length - reusedTokens);
  yield { type: 'prefill', sharedTokens: shared.length, reusedTokens, computedTokens };
  const everyLane = {
    get cancelled() {
      return jobs.every(({ cancel }) => cancel.cancelled);
    },
  };
  const begin = await prefillShared(shared, all, everyLane);
  const lanes = new Lanes(executor, cache, context, jobs.length, begin);
  yield* together(
    jobs.length,
    (lane) => generate({ ...jobs[lane], context: lanes.window(lane) }),
    (lane) => lanes.finish(lane),
    () => (abandoned = true),
  );
}

/** @returns tokens that the window holds: fewer than `shared` when the lanes were stopped meanwhile */
async function prefillShared(
  shared: readonly number[],
  { context, platform }: LanesJob,
  cancel: CancelToken,
): Promise<number> {
  if (context.length < shared.length) {
    try {
      await logitsAfter(shared, context, new HostYield(platform), cancel);
    } catch (thrown) {
      // Each lane finds out for itself that it was stopped.
      if (EngineError.from(thrown).code !== 'CANCELLED') throw thrown;
    }
  }
  return context.length;
}

function either(stopsAll: () => boolean, lane: CancelToken | undefined): CancelToken {
  return {
    get cancelled() {
      return stopsAll() || (lane?.cancelled ?? false);
    },
  };
}

/** What all of several token lists begin with; the last token of each is left out, because it is always run. */
export function commonBeginning(prompts: readonly (readonly number[])[]): number[] {
  const [first = [], ...others] = prompts;
  let length = Math.max(0, Math.min(...prompts.map((ids) => ids.length - 1)));
  for (const ids of others) {
    let common = 0;
    while (common < length && ids[common] === first[common]) common++;
    length = common;
  }
  return first.slice(0, length);
}

/**
 * Runs all replies and gives their events as they come.
 * @param start begins a lane's reply
 * @param finished is told when it is over
 * @param abandon makes all of them end soon, because nobody reads any more
 */
async function* together(
  lanes: number,
  start: (lane: number) => AsyncGenerator<GenerateEvent>,
  finished: (lane: number) => void,
  abandon: () => void,
): AsyncGenerator<LanesEvent, void, undefined> {
  const events: LanesEvent[] = [];
  const failures: unknown[] = [];
  let running = lanes;
  let wake: () => void = () => undefined;
  const follow = async (lane: number) => {
    try {
      for await (const event of start(lane)) {
        events.push({ type: 'lane', lane, event });
        wake();
      }
    } catch (error) {
      failures.push(error);
    } finally {
      running--;
      finished(lane);
      wake();
    }
  };
  const all = Promise.all(Array.from({ length: lanes }, (_, lane) => follow(lane)));
  try {
    while (running > 0 || events.length > 0) {
      if (events.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      yield* events.splice(0);
    }
  } finally {
    abandon();
    await all;
  }
  if (failures.length > 0) throw failures[0];
}
