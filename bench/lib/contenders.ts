/** The engines that take turns, each in a process of its own. */
import { join } from 'node:path';
import { root } from '../../scripts/lib/run.ts';
import type { BenchCaller, BenchModel } from '../../src-main/hosts/node/bench/bench-messages.ts';
import type { BenchRuntime } from '../../src-main/hosts/node/bench/bench-programs.ts';
import { BenchSession } from '../../src-main/hosts/node/bench/bench-session.ts';
import { median } from '../../src-main/hosts/node/bench/median.ts';
import { LANE_CONTEXT, windowFor, type BenchJob } from '../../src-main/hosts/node/bench/run-bench.ts';
import { withTokenscope } from './app-runtime.ts';
import { withBrowser } from './browser.ts';
import { LLAMA_FOLDER } from './node-llama-cpp.ts';
import { llamaFolder, type Processor } from './processors.ts';

/** What one engine is measured at. */
export type Task = Readonly<Pick<BenchJob, 'path' | 'threads' | 'prompt' | 'generate' | 'contexts' | 'repeat'>> & {
  /** Null: this computer's. */
  readonly processor: Processor | null;
};

/** Medians; rates are tokens per second. */
export interface Figures {
  readonly model: BenchModel;
  readonly prefill: number;
  /** By context length. */
  readonly decode: ReadonlyMap<number, number>;
  /** NaN if unknown, as in a page. */
  readonly peakBytes: number;
}

/** `webgpu` runs in Node, as the others do the `wasm` executor. */
export type Contender = 'llama.cpp' | 'browser' | 'webgpu' | BenchRuntime;

function withContender<T>(
  contender: Contender,
  processor: Processor | null,
  work: (session: BenchCaller) => Promise<T>,
): Promise<T> {
  if (contender === 'llama.cpp') return withLlama(processor, work);
  if (contender === 'browser') return withBrowser(work);
  return withTokenscope(contender === 'webgpu' ? 'node' : contender, processor, work);
}

async function withLlama<T>(processor: Processor | null, work: (session: BenchCaller) => Promise<T>): Promise<T> {
  const host = join(root, 'bench', 'lib', 'llama-host.ts');
  const session = await BenchSession.open({
    command: process.execPath,
    args: ['--import', 'tsx', host],
    env: { ...process.env, ...(processor === null ? {} : { [LLAMA_FOLDER]: await llamaFolder(processor) }) },
  });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/**
 * Measures all contenders on the same file, interleaved, so that other load affects all of them.
 * @returns in the order of `contenders`
 */
export async function measureInterleaved(contenders: readonly Contender[], task: Task): Promise<Figures[]> {
  const sessions: BenchCaller[] = [];
  const collect = async (rest: readonly Contender[]): Promise<Figures[]> => {
    const [next, ...others] = rest;
    if (next === undefined) return measure(contenders, sessions, task);
    return withContender(next, task.processor, (session) => {
      sessions.push(session);
      return collect(others);
    });
  };
  return collect(contenders);
}

async function measure(
  contenders: readonly Contender[],
  sessions: readonly BenchCaller[],
  task: Task,
): Promise<Figures[]> {
  const { path, threads, prompt, generate, contexts, repeat } = task;
  const contextSize = windowFor({ ...task, lanes: [] });
  const models: BenchModel[] = [];
  for (const [i, session] of sessions.entries()) {
    const executor = contenders[i] === 'webgpu' ? 'webgpu' : 'wasm';
    models.push(await session.call('load', { path, executor, threads, contextSize }));
  }
  const interleaved = async (rounds: number, once: (session: BenchCaller) => Promise<number>) => {
    const rates: number[][] = sessions.map(() => []);
    for (let round = 0; round < rounds; round++) {
      // The order is rotated, so that none is always first.
      const order = [...sessions.keys()];
      for (const i of round % 2 === 0 ? order : order.reverse()) rates[i].push(await once(sessions[i]));
    }
    return rates.map((each) => (each.length === 0 ? 0 : median(each)));
  };
  // Warm-up of compilers and caches, not counted.
  await interleaved(1, (session) => session.call('prefill', { tokens: Math.min(prompt, 256) }));
  await interleaved(1, (session) => session.call('decode', { context: 8, tokens: 16 }));
  const prefill = await interleaved(repeat, (session) => session.call('prefill', { tokens: prompt }));
  const decode: { context: number; rates: number[] }[] = [];
  for (const context of contexts) {
    // Prefills the context.
    await interleaved(1, (session) => session.call('decode', { context, tokens: 4 }));
    const rates = await interleaved(repeat, (session) => session.call('decode', { context, tokens: generate }));
    decode.push({ context, rates });
  }
  const peaks: number[] = [];
  for (const session of sessions) {
    peaks.push(session instanceof BenchSession ? await session.call('peakBytes', {}) : NaN);
  }
  return sessions.map((_, i) => ({
    model: models[i],
    prefill: prefill[i],
    decode: new Map(decode.map(({ context, rates }) => [context, rates[i]])),
    peakBytes: peaks[i],
  }));
}

/** Medians of one number of lanes. */
export interface LaneFigures {
  /** Tokens per second of all lanes together. */
  readonly rate: number;
  /** Ratio to one lane. */
  readonly speedup: number;
}

/** Fewest rounds: a ratio of two short measurements varies more than either. */
const LANE_ROUNDS = 7;

/**
 * Measures several lanes and one in turns. Each ratio is of two neighbours, so that other load affects both.
 * @param lanes numbers of lanes, with 1
 */
export async function measureLanes(
  runtime: BenchRuntime,
  task: Pick<Task, 'path' | 'threads' | 'generate' | 'repeat' | 'processor'>,
  lanes: readonly number[],
): Promise<Map<number, LaneFigures>> {
  const { path, threads, generate, repeat } = task;
  const contextSize = windowFor({ prompt: 0, generate, contexts: [], lanes });
  return withTokenscope(runtime, task.processor, async (session) => {
    await session.call('load', { path, executor: 'wasm', threads, contextSize });
    const rateOf = (count: number, tokens = generate) =>
      session.call('lanes', { lanes: count, context: LANE_CONTEXT, tokens });
    // Warm-up, not counted.
    for (const count of lanes) await rateOf(count, 16);
    const rates = new Map<number, number[]>(lanes.map((count) => [count, []]));
    const ratios = new Map<number, number[]>(lanes.map((count) => [count, count === 1 ? [1] : []]));
    for (let round = 0; round < Math.max(repeat, LANE_ROUNDS); round++) {
      for (const count of lanes) {
        if (count === 1) continue;
        // The order changes, so that neither is always first.
        const before = round % 2 === 0 ? await rateOf(1) : null;
        const rate = await rateOf(count);
        const one = before ?? (await rateOf(1));
        rates.get(1)?.push(one);
        rates.get(count)?.push(rate);
        ratios.get(count)?.push(rate / one);
      }
    }
    return new Map(
      lanes.map((count) => [count, { rate: median(rates.get(count) ?? []), speedup: median(ratios.get(count) ?? []) }]),
    );
  });
}
