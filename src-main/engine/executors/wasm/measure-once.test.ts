import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { measurementsFile } from '../../../hosts/node/measurements-file.ts';
import { nodePlatform } from '../../../hosts/node/node-platform.ts';
import { InferenceEngine, type LoadOptions, type Measurements } from '../../index.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import type { KernelsInfo, ModelInfo } from '../../api/types.ts';
import { clearlyFaster, measureOnce } from './measure-once.ts';

async function temporaryFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-measured-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'measurements.json');
}

/** Kernel information of a fresh engine with two threads. */
async function loaded(measurements: Measurements, options: LoadOptions = {}): Promise<KernelsInfo> {
  const platform = { ...nodePlatform(measurements), threads: { ...nodeKernelThreads(), available: 2 } };
  const engine = new InferenceEngine(platform);
  const info: ModelInfo = await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), options);
  await engine.unload();
  return info.kernels!;
}

/** The store and the keys that were requested. Whether a measurement is clear depends on the machine's other load. */
function withKeys(store: Measurements): { store: Measurements; keys: string[] } {
  const keys: string[] = [];
  const get = (key: string) => {
    keys.push(key);
    return store.get(key);
  };
  return { store: { get, set: (key, numbers) => store.set(key, numbers) }, keys };
}

it('times threads only while no measurement is stored', async () => {
  const path = await temporaryFile();
  const { store, keys } = withKeys(measurementsFile(path));
  expect((await loaded(store)).reason).toMatch(/^measured: one token takes /);
  const key = keys.find((each) => each.includes('threads'))!;
  await store.set(key, [2, 5]);
  const kept = await loaded(measurementsFile(path));
  expect(kept.reason).toMatch(/^measured earlier on this computer: one token takes 2.00 ms on 2 threads/);
  expect(await loaded(measurementsFile(path))).toEqual(kept);
});

it.each([
  { times: [5, 2], decodeThreads: 1, reason: /earlier .* 5.00 ms on 2 threads, 2.00 ms on one$/ },
  { times: [2, 5], decodeThreads: 2, reason: /earlier .* 2.00 ms on 2 threads, 5.00 ms on one$/ },
])('uses $decodeThreads of two threads for a token when $times ms are stored', async ({ times, ...expected }) => {
  const kept: Measurements = { get: async (key) => (key.includes('threads') ? times : undefined), set: async () => {} };
  const { decodeThreads, reason } = await loaded(kept);
  expect(decodeThreads).toBe(expected.decodeThreads);
  expect(reason).toMatch(expected.reason);
});

it('measures again and writes a file when the stored one is invalid', async () => {
  const path = await temporaryFile();
  for (const text of ['{"', '{"a":{"at":1,"numbers":"1"}}']) {
    await writeFile(path, text);
    const { store, keys } = withKeys(measurementsFile(path));
    expect((await loaded(store)).reason).toMatch(/^measured: /);
    await store.set(
      keys.find((each) => each.includes('threads'))!,
      [5, 2],
    );
    expect((await loaded(measurementsFile(path))).reason).toMatch(/^measured earlier on this computer: /);
  }
});

it('times no threads if their number is given', async () => {
  const path = await temporaryFile();
  const { decodeThreads, reason } = await loaded(measurementsFile(path), { threads: 2 });
  expect({ decodeThreads, reason }).toEqual({ decodeThreads: 2, reason: 'as requested' });
  expect(await readFile(path, 'utf8').catch(() => '')).not.toContain('threads');
});

it('does not store an unclear measurement', async () => {
  const kept = new Map<string, readonly number[]>();
  const store: Measurements = {
    get: async (key) => kept.get(key),
    set: async (key, numbers) => void kept.set(key, numbers),
  };
  const once = measureOnce({ hash: 'h' }, store);
  const unclear = { values: [1, 2] as const, clear: false };
  expect(await once('a', 2, () => unclear)).toEqual({ values: [1, 2], before: false });
  expect(kept.size).toBe(0);
  expect(await once('a', 2, () => ({ values: [3, 4], clear: true }))).toEqual({ values: [3, 4], before: false });
  expect(await once('a', 2, () => unclear)).toEqual({ values: [3, 4], before: true });
  // Another number of values.
  expect((await once('a', 3, () => unclear)).before).toBe(false);
  // Other kernels, or kernels without a hash.
  expect((await measureOnce({ hash: 'other' }, store)('a', 2, () => unclear)).before).toBe(false);
  expect((await measureOnce({}, store)('a', 2, () => unclear)).before).toBe(false);
});

it.each([
  { first: [9, 1, 2], second: [9, 3, 4], clear: true, best: [1, 3] },
  { first: [9, 3, 4], second: [9, 1, 2], clear: true, best: [3, 1] },
  { first: [9, 1, 4], second: [9, 3, 4], clear: false, best: [1, 3] },
  { first: [9, 3, 5], second: [9, 1, 3], clear: false, best: [3, 1] },
  { first: [50], second: [90], clear: true, best: [50, 90] },
  // One of several times may be disturbed.
  { first: [9, 1, 2, 1, 8], second: [9, 3, 4, 3, 3], clear: true, best: [1, 3] },
  { first: [9, 1, 8, 1, 8], second: [9, 3, 4, 3, 3], clear: false, best: [1, 3] },
  // Equally good, if nothing disturbed them.
  { first: [900, 100, 110, 120, 200], second: [900, 101, 110, 100, 120], clear: true, best: [100, 100] },
  { first: [900, 100, 110, 130, 200], second: [900, 101, 110, 100, 120], clear: false, best: [100, 100] },
  { first: [900, 100, 110, 120, 120], second: [900, 105, 110, 105, 120], clear: false, best: [100, 105] },
  { first: [900, 100, 100], second: [900, 100, 100], clear: false, best: [100, 100] },
])('$first ms against $second: clear $clear', ({ first, second, clear, best }) => {
  expect(clearlyFaster(first, second)).toEqual({ values: best, clear });
});
