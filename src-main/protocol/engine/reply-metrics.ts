/** Metrics of a reply, from its ids and their natural logprobs under the unmodified model. */

/** exp(-mean logprob); null for no tokens. */
export function perplexity(logprobs: readonly number[]): number | null {
  return logprobs.length === 0 ? null : Math.exp(-mean(logprobs));
}

/** Mean of -log2 of the probabilities, in bits; null for no tokens. */
export function meanSurprisal(logprobs: readonly number[]): number | null {
  return logprobs.length === 0 ? null : -mean(logprobs) / Math.LN2;
}

/** Counts distinct tokens and pairs of a reply that grows: adding a token does not depend on how many there are. */
export class DistinctCounts {
  readonly #tokens = new Set<number>();
  readonly #pairs = new Set<number>();
  #count = 0;
  #last = 0;

  /** Tokens added so far. */
  get count(): number {
    return this.#count;
  }

  add(id: number): void {
    this.#tokens.add(id);
    if (this.#count > 0) this.#pairs.add(this.#last * PAIR_BASE + id);
    this.#last = id;
    this.#count++;
  }

  /** As `distinctN` of all tokens so far. */
  ratio(n: 1 | 2): number | null {
    const all = this.#count - n + 1;
    return all < 1 ? null : (n === 1 ? this.#tokens : this.#pairs).size / all;
  }
}

/** More than any vocabulary has, and small enough for a pair of ids to be a safe integer. */
const PAIR_BASE = 2 ** 26;

/**
 * Distinct n-grams of tokens divided by all n-grams (Li et al., 2016); null for fewer than n tokens.
 * @param n from 1
 */
export function distinctN(ids: readonly number[], n: number): number | null {
  const count = ids.length - n + 1;
  if (count < 1) return null;
  const distinct = new Set(Array.from({ length: count }, (_, i) => ids.slice(i, i + n).join()));
  return distinct.size / count;
}

/**
 * Index of the first token in which two replies differ; null if they are equal. If one reply is a prefix of the other,
 * they differ where it ends.
 */
export function divergesAt(first: readonly number[], other: readonly number[]): number | null {
  const shorter = Math.min(first.length, other.length);
  let index = 0;
  while (index < shorter && first[index] === other[index]) index++;
  return index === first.length && index === other.length ? null : index;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
