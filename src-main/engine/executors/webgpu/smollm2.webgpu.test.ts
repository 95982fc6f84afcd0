/** A real model on the GPU, against llama.cpp with every tensor dequantised to float32. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { gpuInFullRun, sharedDevice } from '../../test-support/gpu.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { singleFile, testModelPath } from '../../test-support/test-model.ts';
import { batchOf } from '../batch.ts';

interface Float {
  greedy: { prompt_length: number; ids: number[]; top: [id: number, logprob: number][][] }[];
}
const { greedy } = JSON.parse(
  gunzipSync(readFileSync(new URL('../../fixtures/smollm2/float.json.gz', import.meta.url))).toString(),
) as Float;

/** Mean |difference| of the ten highest log-probabilities, as for the reference executor: sums have another order. */
const LOGPROB = 0.005;

const gpu = await gpuInFullRun();
const path = await testModelPath();

describe.skipIf(gpu === null || path === null)(
  'SmolLM2 Q4_1 on the webgpu executor (in the full run, with an adapter and the fetched test model)',
  () => {
    it('predicts a greedy reply', { timeout: 400_000 }, async () => {
      const options = { contextSize: 256, kvCacheType: 'f32' } as const;
      const { executor } = await openGpuModel(await singleFile(path!), await sharedDevice(gpu!), options);
      const { prompt_length, ids, top } = greedy[0];
      const rows = [...top.keys()].map((step) => prompt_length - 1 + step);
      const { logits } = await executor.run(batchOf([new KvCache(256).append(0, ids)]), { logits: rows });
      const differences: number[] = [];
      for (const [step, handle] of logits.entries()) {
        const found = await handle.read();
        const highest = found.reduce((a, b) => Math.max(a, b));
        const logSum = highest + Math.log(found.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
        for (const [id, logprob] of top[step].slice(0, 10)) differences.push(Math.abs(found[id] - logSum - logprob));
      }
      expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(LOGPROB);
      await executor.dispose();
    });
  },
);
