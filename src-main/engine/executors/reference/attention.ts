import { attendedLength } from '../../kv-cache/kv-cache.ts';
import type { AttentionAttributes } from '../../program/ops.ts';
import type { Batch } from '../executor.ts';

/** Buffers that attention reads and writes. */
export interface AttentionBuffers {
  /** `[tokens, heads * headDim]`. */
  readonly q: Float32Array;
  /** `[cells, kvHeads * headDim]`. */
  readonly keys: Float32Array;
  /** `[cells, kvHeads * headDim]`. */
  readonly values: Float32Array;
  /** `[tokens, heads * headDim]`, output. */
  readonly out: Float32Array;
  /** `[heads, tokens, weightsContext]`, output, zeros on entry; null when not tapped. */
  readonly weights: Float32Array | null;
  readonly weightsContext: number;
}

/**
 * Scaled dot-product attention (Vaswani et al., 2017, section 3.2.1): each token attends to the cells of its
 * sequence from the first, or from its `window`, up to its own position, or up to the last without the causal mask. Sums
 * and the softmax are in double precision.
 */
export function attention(attributes: AttentionAttributes, batch: Batch, io: AttentionBuffers, poll: () => void): void {
  const { heads, kvHeads, headDim, scale, softcap, window, causal } = attributes;
  const tokens = batch.tokens.length;
  const width = heads * headDim;
  const kvWidth = kvHeads * headDim;
  const scores = new Float64Array(Math.max(0, ...batch.contexts.map(({ cells }) => cells.length)));
  const sums = new Float64Array(headDim);

  for (let token = 0; token < tokens; token++) {
    const context = batch.contexts[batch.sequences[token]];
    const position = batch.positions[token];
    const end = causal ? attendedLength(context.positions, position) : context.cells.length;
    const start = window === null ? 0 : attendedLength(context.positions, position - window);
    for (let head = 0; head < heads; head++) {
      poll();
      const q = token * width + head * headDim;
      const kvOffset = Math.floor((head * kvHeads) / heads) * headDim;

      let highest = -Infinity;
      for (let i = start; i < end; i++) {
        const scaled = dot(io.q, q, io.keys, context.cells[i] * kvWidth + kvOffset, headDim) * scale;
        const score = softcap === null ? scaled : softcap * Math.tanh(scaled / softcap);
        scores[i] = score;
        if (score > highest) highest = score;
      }
      let total = 0;
      for (let i = start; i < end; i++) {
        // The highest score becomes exp(0), so nothing overflows.
        const exponential = Math.exp(scores[i] - highest);
        scores[i] = exponential;
        total += exponential;
      }
      sums.fill(0);
      for (let i = start; i < end; i++) {
        const weight = scores[i] / total;
        if (io.weights) io.weights[(head * tokens + token) * io.weightsContext + i] = weight;
        const v = context.cells[i] * kvWidth + kvOffset;
        for (let d = 0; d < headDim; d++) sums[d] += weight * io.values[v + d];
      }
      io.out.set(sums, q);
    }
  }
}

/** Four partial sums, because in a single chain each addition would wait for the one before. */
function dot(a: Float32Array, aAt: number, b: Float32Array, bAt: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    s0 += a[aAt + i] * b[bAt + i];
    s1 += a[aAt + i + 1] * b[bAt + i + 1];
    s2 += a[aAt + i + 2] * b[bAt + i + 2];
    s3 += a[aAt + i + 3] * b[bAt + i + 3];
  }
  for (; i < length; i++) s0 += a[aAt + i] * b[bAt + i];
  return s0 + s1 + (s2 + s3);
}
