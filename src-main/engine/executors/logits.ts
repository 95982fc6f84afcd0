import type { LogitsHandle } from './executor.ts';

/** A handle on logits that lie in this thread's memory. */
export class HostLogits implements LogitsHandle {
  /** @param logits `[vocabulary]`, owned by the handle. */
  constructor(private readonly logits: Float32Array) {}

  read(): Promise<Float32Array> {
    return Promise.resolve(this.logits);
  }

  topK(k: number): Promise<{ ids: Int32Array; logits: Float32Array }> {
    const ids = highest(this.logits, k);
    return Promise.resolve({ ids, logits: Float32Array.from(ids, (id) => this.logits[id]) });
  }
}

/** Ids of the k highest values, best first; of equal ones the lower id comes first. */
function highest(values: Float32Array, k: number): Int32Array {
  const ids: number[] = [];
  const limit = Math.max(0, Math.min(Math.floor(k), values.length));
  if (limit === 0) return new Int32Array(0);
  for (let id = 0; id < values.length; id++) {
    if (ids.length === limit && !(values[id] > values[ids[limit - 1]])) continue;
    // First place whose value is lower: insertion into the short sorted list.
    let low = 0;
    let high = ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (values[ids[middle]] >= values[id]) low = middle + 1;
      else high = middle;
    }
    ids.splice(low, 0, id);
    if (ids.length > limit) ids.pop();
  }
  return Int32Array.from(ids);
}
