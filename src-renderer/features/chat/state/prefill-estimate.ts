export interface PrefillProgress {
  /** Prompt tokens in the window, with reused ones, and all of them. */
  done: number;
  total: number;
  /** Estimated from the tokens computed so far, ms. */
  leftMs: number;
}

/** How long a prefill will take that begins now. */
export class PrefillEstimate {
  readonly #since = performance.now();
  readonly #reusedTokens: number;

  /** @param reusedTokens of the prompt, which take no time */
  constructor(reusedTokens: number) {
    this.#reusedTokens = reusedTokens;
  }

  /** @param done prompt tokens in the window, with reused ones @param total all of them */
  after(done: number, total: number): PrefillProgress {
    const computed = Math.max(1, done - this.#reusedTokens);
    return { done, total, leftMs: ((total - done) * (performance.now() - this.#since)) / computed };
  }
}
