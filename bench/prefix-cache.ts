/**
 * Time to the first token of a chat of 4,000 tokens that is opened again, with and without the prefix cache on disk, in
 * turns; SmolLM2 Q4_1, ms, medians, and whether the ids are the same:
 *
 *     npx tsx bench/prefix-cache.ts [--repeat 3] [--threads 2] [--model FILE]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultGenerateParams } from '../src-main/engine/api/defaults.ts';
import { InferenceEngine, type GenerateEnd } from '../src-main/engine/index.ts';
import { median } from '../src-main/hosts/node/bench/median.ts';
import { openModelPath } from '../src-main/hosts/node/model-path.ts';
import { nodePlatform } from '../src-main/hosts/node/node-platform.ts';
import { prefixFolder } from '../src-main/hosts/node/prefix-folder.ts';
import { table } from './lib/markdown.ts';
import { modelBench } from './lib/model-bench.ts';

const TOKENS = 4000;

const { path, repeat, threads } = await modelBench();
const folder = await mkdtemp(join(tmpdir(), 'prefix-cache-'));
const store = prefixFolder(folder);
const chat = Array.from({ length: TOKENS }, (_, i) => 1000 + ((i * 37) % 40_000));

interface Opened {
  end: GenerateEnd;
  reused: number;
}

/** Loads the model, as after a restart, and asks for a reply. @param after called before the model is unloaded */
async function open(isStored: boolean, after: () => Promise<void> = async () => undefined): Promise<Opened> {
  const engine = new InferenceEngine(nodePlatform(undefined, store));
  await engine.load(await openModelPath(path), { contextSize: 4096, threads });
  const params = defaultGenerateParams({ kind: 'ids', ids: [...chat, 504, 253, 2000] });
  const stop = { ...params.stop, maxTokens: 8, ignoreEos: true };
  const sampling = { ...params.sampling, temperature: 0 };
  const storing = isStored ? { storePrefixFor: 'bench' } : {};
  let reused = 0;
  let end: GenerateEnd | null = null;
  for await (const event of engine.generate({ ...params, sampling, stop, ...storing })) {
    if (event.type === 'start') reused = event.reusedTokens;
    else if (event.type === 'end') end = event;
  }
  await after();
  await engine.unload();
  if (end === null) throw new Error('A reply ended without its end event.');
  return { end, reused };
}

/** Resolves when the size of the store no longer changes. */
async function stored(): Promise<void> {
  for (let before = -1, now = 0; before !== now || now === 0;) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    now = (await store.size()).bytes;
  }
}

const first = await open(true, stored);
const times = { without: [] as number[], with: [] as number[] };
let isSame = true;
let reused = 0;
for (let i = 0; i < repeat; i++) {
  const plain = await open(false);
  const cached = await open(true);
  reused = cached.reused;
  isSame &&= [plain, cached].every(({ end }) => end.ids.join() === first.end.ids.join());
  times.without.push(plain.end.timings.timeToFirstTokenMs ?? 0);
  times.with.push(cached.end.timings.timeToFirstTokenMs ?? 0);
}
const bytes = (await store.size()).bytes;
await rm(folder, { recursive: true, force: true });
const row = [median(times.without).toFixed(0), median(times.with).toFixed(0), String(reused)];
const head = ['computed', 'from disk', 'tokens reused', 'MB on disk', 'same ids'];
console.log(table(head, [[...row, (bytes / 1e6).toFixed(0), isSame ? 'yes' : 'NO']]));
