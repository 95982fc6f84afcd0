/** What an executor needs to know to choose a token as a plain sampler chain does. */

/** How a run chooses the next token: that with the highest logit, of equal ones the lowest id, or a draw. */
export type NextChoice = 'greedy' | DrawChoice;

/** A draw as a plain sampler chain makes it, in float32: close to a boundary, another token may be chosen. */
export interface DrawChoice {
  /**
   * Applied to the best logits in this order, at most four: keep so many (the first step), keep until their probabilities
   * reach a mass, keep those whose difference from the best is at least so much, divide by a temperature.
   */
  readonly steps: readonly (readonly [kind: 'count' | 'mass' | 'difference' | 'temperature', value: number])[];
  /** In [0, 1). */
  readonly random: number;
}
