import { createReferenceExecutor } from '../executors/reference/reference-executor.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import type { Model } from '../models/model.ts';

/** Logits after each of `ids`, in one batch from position 0: `[ids.length][vocabulary]`. */
export async function runModel(model: Model, ids: readonly number[]): Promise<Float32Array[]> {
  const cells = model.config.contextSize;
  const executor = createReferenceExecutor(model.program, model.weights, { cells });
  const { context, ...slots } = new KvCache(cells).append(0, ids);
  const batch = { ...slots, sequences: new Int32Array(ids.length), contexts: [context] };
  const { logits } = await executor.run(batch, { logits: ids.map((_, i) => i) });
  return Promise.all(logits.map((row) => row.read()));
}
