/**
 * A separate process that loads a model, generates a reply on two threads, and then measures the CPU time of all its
 * threads while idle, as a share of one core, several times.
 *
 *     node measure-idle.mjs PATH SETTLE_MS WINDOW_MS
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultGenerateParams, InferenceEngine } from '../../../engine/index.ts';
import { openModelPath } from '../model-path.ts';
import { nodePlatform } from '../node-platform.ts';

export interface MeasuredIdle {
  /** Threads for decoding. */
  threads: number;
  /** Tokens of the reply. */
  tokens: number;
  /** Of one core, one number for each window. */
  shares: number[];
}

const WINDOWS = 3;

/** @param args as on the command line */
export async function main([path = '', settleMs = '', windowMs = '']: string[]): Promise<void> {
  const engine = new InferenceEngine(nodePlatform());
  const { kernels } = await engine.load(await openModelPath(path), { threads: 2 });
  const params = defaultGenerateParams({ kind: 'text', text: 'Once upon a time' });
  // It ends at the token limit, whatever the seed.
  params.sampling.temperature = 0;
  params.stop = { ...params.stop, ignoreEos: true, repetitionWindow: 0 };
  let tokens = 0;
  for await (const event of engine.generate(params)) if (event.type === 'token') tokens++;
  await sleep(Number(settleMs));
  const shares: number[] = [];
  while (shares.length < WINDOWS) {
    const before = process.cpuUsage();
    const started = performance.now();
    await sleep(Number(windowMs));
    const { user, system } = process.cpuUsage(before);
    shares.push((user + system) / 1000 / (performance.now() - started));
  }
  const result: MeasuredIdle = { threads: kernels?.decodeThreads ?? 0, tokens, shares };
  process.stdout.write(JSON.stringify(result));
  await engine.unload();
}
