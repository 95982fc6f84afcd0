/** What an executor needs to know to choose a token as a plain sampler chain does. */

/** How a run chooses the next token: that with the highest logit, of equal ones the lowest id, or a draw. */
export type TokenChoice = 'greedy' | DrawChoice;

/** A draw as a plain sampler chain makes it, in float32: close to a boundary, another token may be chosen. */
export interface DrawChoice {
  /** Applied to the best logits in this order, at most four; the first is `top_k`. `min_p` has the logarithm of its value. */
  readonly steps: readonly (readonly [kind: 'top_k' | 'top_p' | 'min_p' | 'temperature', value: number])[];
  /** In [0, 1). */
  readonly random: number;
}
