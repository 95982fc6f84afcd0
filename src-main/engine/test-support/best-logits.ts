import { PlainLogits } from '../sampling/logits.ts';
import { TopLogits } from '../sampling/top-logits.ts';

/**
 * The `k` highest of some logits as a GPU selects them: without the lowest, if more have their value.
 * @param onRead called when the others are read
 */
export function bestOf(values: Float32Array, k: number, onRead: () => void): TopLogits {
  const all = new PlainLogits(values);
  const sorted = all.top(k + 1);
  const next = values.length > k ? values[sorted[k]] : Number.NaN;
  const ids = sorted.slice(0, k).filter((id) => values[id] !== next);
  // A GPU gives them unordered.
  ids.reverse();
  const logits = Float32Array.from(ids, (id) => values[id]);
  return new TopLogits(values.length, ids, logits, all.logSum(), () => {
    onRead();
    return Promise.resolve(all);
  });
}
