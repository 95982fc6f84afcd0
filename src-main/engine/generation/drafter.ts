/** Guesses how a reply continues, for example by looking it up in the prompt or with a small model. */
export interface Drafter {
  /**
   * Wrong guesses cost time and change nothing: every token is verified by the model.
   * @param ids prompt and reply so far. Between calls it may also become shorter or change its end
   * @returns at most `most` ids that may follow; none without a guess
   */
  draft(ids: readonly number[], most: number): readonly number[] | Promise<readonly number[]>;
}
