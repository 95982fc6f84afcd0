/** llama.cpp by node-llama-cpp, for the oracle checks. */

import { startLlama } from '../lib/node-llama-cpp.ts';

/** A model in llama.cpp. */
export interface Oracle {
  /** The `count` most probable tokens after `ids`, each fed back. */
  greedy(ids: readonly number[], count: number): Promise<number[]>;
  close(): Promise<void>;
}

/** @throws Error with how to install what is missing */
export async function startLlamaCpp(): Promise<{ open(path: string): Promise<Oracle>; close(): Promise<void> }> {
  const llama = await startLlama();
  return {
    async open(modelPath) {
      const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
      // One thread: the others would spin while they wait. F32 caches, as in the reference executor.
      const context = await model.createContext({
        contextSize: 256,
        threads: 1,
        flashAttention: false,
        experimentalKvCacheKeyType: 'F32',
        experimentalKvCacheValueType: 'F32',
      });
      const sequence = context.getSequence();
      return {
        async greedy(ids, count) {
          await sequence.clearHistory();
          const chosen: number[] = [];
          for await (const id of sequence.evaluate([...ids], { temperature: 0, yieldEogToken: true })) {
            if (chosen.push(id) === count) break;
          }
          return chosen;
        },
        async close() {
          await context.dispose();
          await model.dispose();
        },
      };
    },
    close: () => llama.dispose(),
  };
}
