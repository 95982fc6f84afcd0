/** Generates several replies as one batch. */
import { EngineError } from '../api/errors.ts';
import type { CancelToken, Platform } from '../api/platform.ts';
import type { GenerateEvent, LanesEvent } from '../api/types.ts';
import { generate, type GenerateJob } from './generate.ts';
import { HostYield } from './host-yield.ts';
import { type LaneHome, MovableLanes, type RecoveredLanes } from './movable-lanes.ts';
import type { LaneCells } from './lanes.ts';
import { SLICE_TOKENS } from './prefill.ts';

export interface LanesJob extends LaneHome {
  /** At least one. Those that cannot begin are errors. */
  lanes: readonly (GenerateJob | EngineError)[];
  contextSize: number;
  platform: Platform;
  /** Stops all lanes, each of which still sends its `end`. */
  cancel: CancelToken | undefined;
  /** Called when the executor was lost: where all lanes continue. Without it, they end. */
  recover?: (error: EngineError) => Promise<RecoveredLanes>;
}

/**
 * Each reply is the same as from `generate`. Each lane has the whole context window, in cells that are allocated while the
 * lanes run.
 * @throws EngineError OUT_OF_MEMORY before the first event
 */
export async function* generateLanes(all: LanesJob): AsyncGenerator<LanesEvent, void, undefined> {
  const { executor, context, contextSize, recover } = all;
  const startedAt = all.platform.clock.now();
  let abandoned = false;
  const stopsAll = (): boolean => abandoned || (all.cancel?.cancelled ?? false);
  const jobs = all.lanes.map((job) => (job instanceof EngineError ? job : { ...job, cancel: either(stopsAll, job) }));
  const ready = jobs.flatMap((job) => (job instanceof EngineError ? [] : [job]));
  const shared = sharedPrefix(ready);
  const needs = jobs.map((job) =>
    job instanceof EngineError ? { own: 0, shares: false } : laneCells(job, shared.length, contextSize),
  );
  const everyLane = {
    get cancelled() {
      return ready.every(({ cancel }) => cancel.cancelled);
    },
  };
  const lanes = new MovableLanes({
    ...{ shared, needs, count: ready.length, cancel: everyLane, hostYield: new HostYield(all.platform), recover },
    maxRows: Math.min(SLICE_TOKENS, contextSize),
  });
  await lanes.allocate({ executor, context });
  try {
    const reusedTokens = lanes.reuse();
    yield {
      type: 'prefill',
      sharedTokens: shared.length,
      reusedTokens,
      computedTokens: tokensToCompute(ready, shared.length) - reusedTokens,
      kvCacheBytes: lanes.bytes,
    };
    const computedTokens = Math.max(0, (await lanes.prefill()) - reusedTokens);
    const prefillMs = all.platform.clock.now() - startedAt;
    const sharedPrefill = { startedAt, prefillMs, computedTokens };
    yield* together(
      jobs.length,
      (lane) => {
        const job = jobs[lane];
        if (job instanceof EngineError) throw job;
        const shared = job.params.useKvCache ? sharedPrefill : { startedAt, prefillMs: 0, computedTokens: 0 };
        const recovering = recover && { recover: (error: EngineError) => lanes.recover(lane, error) };
        return generate({ ...job, context: lanes.window(lane), shared, ...recovering });
      },
      (lane) => lanes.finish(lane),
      () => (abandoned = true),
    );
  } finally {
    lanes.release();
  }
}

/** Common prefix of all prompts that use the cache. */
function sharedPrefix(jobs: readonly GenerateJob[]): number[] {
  return commonPrefix(jobs.flatMap(({ params, prompt }) => (params.useKvCache ? [prompt.ids] : [])));
}

/** Number of prompt tokens of all lanes; those of the shared prefix, and those of equal prompts, count once. */
function tokensToCompute(jobs: readonly GenerateJob[], shared: number): number {
  const distinct = new Map(jobs.map((job) => [`${job.params.useKvCache} ${job.prompt.ids.join()}`, job]));
  return [...distinct.values()].reduce((sum, { params, prompt }) => {
    return sum + prompt.ids.length - (params.useKvCache ? shared : 0);
  }, shared);
}

/** @param shared length of the shared prefix */
function laneCells({ params, prompt }: GenerateJob, shared: number, contextSize: number): LaneCells {
  const wanted = prompt.ids.length + params.stop.maxTokens;
  const tokens = Math.min(wanted, contextSize);
  // A window that shifts drops part of the prefix, and then recomputes the rest.
  const shares = params.useKvCache && (prompt.keptByShift === null || wanted <= contextSize);
  return { own: shares ? tokens - shared : tokens, shares };
}

function either(stopsAll: () => boolean, { cancel }: GenerateJob): CancelToken {
  return {
    get cancelled() {
      return stopsAll() || (cancel?.cancelled ?? false);
    },
  };
}

/** Longest common prefix of several token lists. It excludes the last token of each, because that is always run. */
export function commonPrefix(prompts: readonly (readonly number[])[]): number[] {
  const [first = [], ...others] = prompts;
  let length = prompts.reduce((shortest, ids) => Math.min(shortest, ids.length - 1), Math.max(0, first.length - 1));
  for (const ids of others) {
    let common = 0;
    while (common < length && ids[common] === first[common]) common++;
    length = common;
  }
  return first.slice(0, length);
}

/** With this many unread events, the lanes wait for the reader. */
const MAX_WAITING_EVENTS = 64;

/**
 * Runs all replies and yields their events as they come. A reply that fails to begin has an `end` only.
 * @param start begins a lane's reply
 * @param finished called when a lane's reply is complete
 * @param abandon makes all of them end soon, because the reader stopped
 */
async function* together(
  lanes: number,
  start: (lane: number) => AsyncGenerator<GenerateEvent>,
  finished: (lane: number) => void,
  abandon: () => void,
): AsyncGenerator<LanesEvent, void, undefined> {
  const events: LanesEvent[] = [];
  let running = lanes;
  let isRead = true;
  let wake: () => void = () => undefined;
  let proceed: () => void = () => undefined;
  let hasCapacity = Promise.resolve();
  const push = (lane: number, event: GenerateEvent) => {
    if (events.push({ type: 'lane', lane, event }) === MAX_WAITING_EVENTS && isRead) {
      hasCapacity = new Promise((resolve) => (proceed = resolve));
    }
    wake();
  };
  const follow = async (lane: number) => {
    try {
      for await (const event of start(lane)) {
        push(lane, event);
        await hasCapacity;
      }
    } catch (thrown) {
      push(lane, failedEnd(EngineError.from(thrown)));
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
      const ready = events.splice(0);
      proceed();
      yield* ready;
    }
  } finally {
    isRead = false;
    abandon();
    proceed();
    await all;
  }
}

/** The end of a reply that did not begin. */
function failedEnd(error: EngineError): GenerateEvent {
  return {
    type: 'end',
    ids: [],
    text: '',
    stop: { reason: 'error', tokens: 0, error: error.payload },
    timings: {
      loadMs: 0,
      prefillMs: 0,
      timeToFirstTokenMs: null,
      prefillTokensPerSecond: null,
      decodeTokensPerSecond: null,
      totalMs: 0,
    },
    seed: 0,
    contextUsed: 0,
  };
}
