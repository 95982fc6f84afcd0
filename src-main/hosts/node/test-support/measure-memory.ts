/**
 * A separate process that loads copies of a model, fills the context of each, and reports the memory per copy: peak
 * resident memory minus that before, measured after another model had been loaded, used and unloaded, so that the
 * process's own memory is not counted. Linux only.
 *
 *     node measure-memory.mjs PATH EXECUTOR CONTEXT COPIES PATH_OF_THE_OTHER
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultGenerateParams, InferenceEngine, type ExecutorName, type ModelInfo } from '../../../engine/index.ts';
import type { Measurements, Platform } from '../../../engine/api/platform.ts';
import { collectGarbage } from '../collect-garbage.ts';
import { openModelPath } from '../model-path.ts';
import { nodePlatform } from '../node-platform.ts';

export interface MeasuredMemory {
  /** Peak per copy, bytes. */
  peak: number;
  /** Per copy after all were unloaded, bytes. */
  left: number;
  /** The engine's number for one copy, the same as before loading. */
  memory: ModelInfo['memoryBytes'];
}

/** The longest wait. Buffers are freed in another thread, which takes a while under load. */
const SWEEP_MS = 20_000;

/** @param args as on the command line */
export async function main([path = '', executor = 'wasm', context = '', copies = '1', other = '']: string[]) {
  const platform = nodePlatform(inMemory());
  const before = await used(platform, other, executor as ExecutorName, 64);
  await before.engine.unload();
  const idle = await settledBytes();
  // Resets the peak.
  await writeFile('/proc/self/clear_refs', '5');
  const kept: InferenceEngine[] = [];
  let { memory } = before;
  while (kept.length < Number(copies)) {
    const copy = await used(platform, path, executor as ExecutorName, Number(context));
    kept.push(copy.engine);
    ({ memory } = copy);
  }
  const peak = (await residentBytes('VmHWM')) - idle;
  for (const engine of kept) await engine.unload();
  const left = (await settledBytes()) - idle;
  const result: MeasuredMemory = { peak: peak / kept.length, left: left / kept.length, memory };
  process.stdout.write(JSON.stringify(result));
}

/** Measurements of the computer, which would take longer than all the rest if each copy repeated them. */
function inMemory(): Measurements {
  const stored = new Map<string, readonly number[]>();
  return {
    get: (key) => Promise.resolve(stored.get(key)),
    set: async (key, numbers) => void stored.set(key, numbers),
  };
}

async function used(platform: Platform, path: string, executor: ExecutorName, contextSize: number) {
  const engine = new InferenceEngine(platform);
  const { memoryBytes: memory } = await engine.load(await openModelPath(path), { executor, contextSize });
  const params = defaultGenerateParams({ kind: 'ids', ids: new Array<number>(contextSize - 1).fill(5) });
  params.stop = { ...params.stop, maxTokens: 1, ignoreEos: true };
  for await (const event of engine.generate(params)) {
    if (event.type === 'end' && event.stop.reason === 'error') throw new Error(JSON.stringify(event.stop));
  }
  return { engine, memory };
}

/** Resident memory once it has stopped decreasing. */
async function settledBytes(): Promise<number> {
  // Else the first model's buffers would be freed at any time, or only while the next ones are measured.
  collectGarbage();
  const end = performance.now() + SWEEP_MS;
  let lowest = await residentBytes('VmRSS');
  for (let same = 0; same < 10 && performance.now() < end; same++) {
    await sleep(100);
    const now = await residentBytes('VmRSS');
    if (now < lowest - 1e6) same = 0;
    lowest = Math.min(lowest, now);
  }
  return lowest;
}

async function residentBytes(which: 'VmRSS' | 'VmHWM'): Promise<number> {
  const line = new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(await readFile('/proc/self/status', 'utf8'));
  if (line === null) throw new Error(`/proc/self/status has no ${which}.`);
  return Number(line[1]) * 1024;
}
