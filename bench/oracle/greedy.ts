import { batchOf } from '../../src-main/engine/executors/batch.ts';
import { createReferenceExecutor } from '../../src-main/engine/executors/reference/reference-executor.ts';
import { KvCache } from '../../src-main/engine/kv-cache/kv-cache.ts';
import type { Model } from '../../src-main/engine/models/model.ts';

const CELLS = 256;

export interface Greedy {
  /** The `count` most probable tokens after `ids`, each fed back. */
  reply(ids: readonly number[], count: number): Promise<number[]>;
  /** Lead of the most probable token after `ids`, in logits. */
  lead(ids: readonly number[]): Promise<number>;
}

/** A model on the reference executor. */
export function greedyOf(model: Model): Greedy {
  const executor = createReferenceExecutor(model.program, model.weights, { cells: CELLS });
  const cache = new KvCache(CELLS);
  const logitsAfter = async (ids: readonly number[]) => {
    const { logits } = await executor.run(batchOf([cache.append(0, ids)]), { logits: [ids.length - 1] });
    return logits[0].lend();
  };
  const next = async (ids: readonly number[]) => (await logitsAfter(ids)).top(1)[0];
  return {
    async reply(ids, count) {
      cache.release(0);
      const chosen = [await next(ids)];
      while (chosen.length < count) chosen.push(await next([chosen.at(-1)!]));
      return chosen;
    },
    async lead(ids) {
      cache.release(0);
      const logits = await logitsAfter(ids);
      const [first, second] = logits.top(2);
      return logits.values[first] - logits.values[second];
    },
  };
}
