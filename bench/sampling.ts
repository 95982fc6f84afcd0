/**
 * Time from a token's logits to its reported probabilities on one thread, SmolLM2's vocabulary, in ms:
 *
 *     npx tsx bench/sampling.ts [--tokens 300]
 *
 * The fastest of all tokens, because other programs can only make it slower.
 */
import { parseArgs } from 'node:util';
import { defaultSamplingParams } from '../src-main/engine/api/defaults.ts';
import type { SamplingParams } from '../src-main/engine/api/types.ts';
import { batchOf } from '../src-main/engine/executors/batch.ts';
import { KvCache } from '../src-main/engine/kv-cache/kv-cache.ts';
import { loadModel } from '../src-main/engine/load-model.ts';
import { RawDistribution } from '../src-main/engine/sampling/raw-distribution.ts';
import { Removals } from '../src-main/engine/sampling/removals.ts';
import { SamplerChain } from '../src-main/engine/sampling/sampler-chain.ts';
import { openModelPath } from '../src-main/hosts/node/model-path.ts';
import { nodePlatform } from '../src-main/hosts/node/node-platform.ts';
import { benchModel } from './lib/bench-models.ts';
import { table } from './lib/markdown.ts';

/** Candidates reported per token, as in Compare. */
const CANDIDATES = 10;
const PROMPT = [504, 253, 2000, 314, 30, 198, 504];
/** Stages of a chain, and their settings. */
const CHAINS: Readonly<Record<string, Partial<SamplingParams>>> = {
  'default chain': {},
  greedy: { samplers: ['temperature'], temperature: 0 },
  'top-k 40': { samplers: ['top_k'], topK: 40 },
  'temperature 0.7': { samplers: ['temperature'], temperature: 0.7 },
  'repeat penalty 1.1': { samplers: ['penalties'], repeatPenalty: 1.1 },
  'top-p 0.9': { samplers: ['top_p'], topP: 0.9 },
};

const { values } = parseArgs({ options: { tokens: { type: 'string', default: '300' } } });
const path = await benchModel('Q4_1', (line) => console.error(line));
const { executor, model } = await loadModel(nodePlatform(), await openModelPath(path), { contextSize: 64, threads: 1 });
const { vocabularySize, maskedTokenIds } = model.config;
const batch = batchOf([new KvCache(64).append(0, PROMPT)]);

/** @returns ms */
async function time(chain: SamplerChain): Promise<number> {
  // Computed anew, because the logits remember what was asked of them.
  const run = await executor.run(batch, { logits: [PROMPT.length - 1], lend: true });
  const logits = await run.logits[0].lend();
  const started = performance.now();
  const raw = new RawDistribution(logits);
  const top = raw.top(CANDIDATES).map(([id]) => id);
  const { id } = chain.sample(logits, PROMPT, new Removals(top).observe);
  raw.rank(id);
  chain.sampledProbabilities(top);
  return performance.now() - started;
}

const rows: string[][] = [];
for (const [name, sampling] of Object.entries(CHAINS)) {
  const params = { ...defaultSamplingParams(), ...sampling };
  const chain = new SamplerChain(vocabularySize, params, 42, { maskedIds: maskedTokenIds });
  let best = Infinity;
  for (let token = 0; token < Number(values.tokens); token++) best = Math.min(best, await time(chain));
  rows.push([name, best.toFixed(3)]);
}
console.log(table(['settings', 'ms per token'], rows));
await executor.dispose();
