/** What `tokenscope bench` measures of one model, in one process. */
import { EngineError } from '../../../engine/api/errors.ts';
import type { ExecutorName, GpuAdapterFacts, Profile, ProfileParams } from '../../../engine/api/types.ts';
import type { BenchCaller, BenchMachine, KernelChoices, MachineCeilings } from './bench-messages.ts';
import { median } from './median.ts';

export interface BenchJob {
  /** Absolute path of a model's file or folder. */
  path: string;
  executor: ExecutorName;
  /** Null: as many as measurably help. */
  threads: number | null;
  /** Prompt tokens of the prefill measurement. */
  prompt: number;
  /** Tokens decoded after each context. */
  generate: number;
  /** Context lengths in tokens before decoding. */
  contexts: readonly number[];
  /** Numbers of lanes, each a separate measurement. */
  lanes: readonly number[];
  /** Repetitions of each measurement, of which the median counts. */
  repeat: number;
  /** Whether to profile and measure the machine's limits. */
  profile: boolean;
}

export interface Rate {
  tokens: number;
  tokensPerSecond: number;
}

/** Medians. */
export interface BenchResult {
  /** The model's name. */
  model: string;
  executor: string;
  /** The variant; null for the reference executor. */
  kernels: string | null;
  threads: number;
  loadMs: number;
  /** Peak memory of the process, minus its memory before the model was loaded. */
  peakBytes: number;
  prefill: Rate;
  decode: (Rate & { context: number })[];
}

/** The result with the machine and the optional measurements. */
export interface BenchReport {
  result: BenchResult;
  machine: BenchMachine;
  choices: KernelChoices | null;
  /** Of the webgpu executor only. */
  adapter?: GpuAdapterFacts;
  /** Tokens per second of all lanes together. */
  lanes: (Rate & { lanes: number })[];
  /** Null if it was not requested. */
  profile: BenchProfile | null;
  /** What could not be measured, for people. */
  notices: string[];
}

export interface BenchProfile extends Profile {
  /** For the numbers of threads in use; none on a GPU. */
  ceilings: MachineCeilings[];
}

/** Tokens decoded for a profile. */
const PROFILE_TOKENS = 32;
/** Context tokens of lanes. */
export const LANE_CONTEXT = 16;

/** What is measured, as far as it says how many tokens the window must hold. */
export type BenchWindow = Pick<BenchJob, 'prompt' | 'generate' | 'contexts' | 'lanes'>;

export function windowFor({ prompt, generate, contexts, lanes }: BenchWindow): number {
  return Math.max(
    prompt + 1,
    ...contexts.map((context) => context + generate + 1),
    ...lanes.map((count) => count * (LANE_CONTEXT + generate + 1)),
  );
}

/** What a benchmark on a software renderer says. */
export function softwareNotice({ name }: GpuAdapterFacts): string {
  return `${name} is a software renderer, so these numbers say nothing about a real GPU.`;
}

/** @throws EngineError the errors of the calls */
export async function runBench(session: BenchCaller, job: BenchJob): Promise<BenchReport> {
  const { path, executor, threads, generate } = job;
  const machine = await session.call('machine', {});
  const model = await session.call('load', { path, executor, threads, contextSize: windowFor(job) });
  const { contextSize } = model;
  const notices = model.adapter?.isSoftware ? [softwareNotice(model.adapter)] : [];
  const fits = (tokens: number, what: string) => {
    if (tokens > contextSize) notices.push(`${what} does not fit the model's context of ${contextSize} tokens.`);
    return tokens <= contextSize;
  };
  /** The first run is an uncounted warm-up of caches and compilers. */
  const repeated = async (measure: () => Promise<number>) => {
    const rates: number[] = [];
    for (let round = 0; round <= job.repeat; round++) rates.push(await measure());
    return median(rates.slice(1));
  };

  const prompt = Math.min(job.prompt, contextSize - 1);
  if (prompt < 1) throw new EngineError('BAD_REQUEST', `A context of ${contextSize} tokens is too short for a prompt.`);
  const read = await repeated(() => session.call('prefill', { tokens: prompt }));
  const decode: BenchResult['decode'] = [];
  for (const context of job.contexts) {
    if (!fits(context + generate + 1, `${context} + ${generate} tokens`)) continue;
    const tokensPerSecond = await repeated(() => session.call('decode', { context, tokens: generate }));
    decode.push({ context, tokens: generate, tokensPerSecond });
  }
  const lanes: BenchReport['lanes'] = [];
  for (const count of job.lanes) {
    if (!fits(count * (LANE_CONTEXT + generate + 1), `${count} x ${LANE_CONTEXT + generate} tokens`)) continue;
    const params = { lanes: count, context: LANE_CONTEXT, tokens: generate };
    lanes.push({
      lanes: count,
      tokens: generate,
      tokensPerSecond: await repeated(() => session.call('lanes', params)),
    });
  }
  const { name, kernels, loadMs } = model;
  // Before the limits are measured, which takes memory.
  const peakBytes = await session.call('peakBytes', {});
  const context = decode[0]?.context ?? 1;
  const profile = job.profile ? await profileOf(session, { prompt, context, generate: PROFILE_TOKENS }) : null;
  return {
    result: {
      ...{ model: name, executor: model.executor, kernels, threads: model.threads, loadMs },
      peakBytes,
      prefill: { tokens: prompt, tokensPerSecond: read },
      decode,
    },
    ...{ machine, choices: model.choices, lanes, profile, notices },
    ...(model.adapter && { adapter: model.adapter }),
  };
}

async function profileOf(session: BenchCaller, params: ProfileParams): Promise<BenchProfile> {
  const profile = await session.call('profile', params);
  const ceilings: MachineCeilings[] = [];
  for (const threads of new Set([profile.prefill.threads, profile.decode.threads])) {
    if (threads === null) continue;
    ceilings.push(await session.call('ceilings', { threads }));
  }
  return { ...profile, ceilings };
}
