/** Metrics of a reply, from its ids and their natural logprobs under the unmodified model. */

/** exp(-mean logprob); null for no tokens. */
export function perplexity(logprobs: readonly number[]): number | null {
  return perplexityOf(sum(logprobs), logprobs.length);
}

/** Mean of -log2 of the probabilities, in bits; null for no tokens. */
export function meanSurprisal(logprobs: readonly number[]): number | null {
  return meanSurprisalOf(sum(logprobs), logprobs.length);
}

/** More than any vocabulary has, and small enough for a pair of ids to be a safe integer. */
const PAIR_BASE = 2 ** 26;

/** The metrics of a reply that grows. The cost of a token does not depend on how many there are. */
export class RunningMetrics {
  readonly #tokens = new Set<number>();
  readonly #pairs = new Set<number>();
  #count = 0;
  #logprob = 0;
  #last = 0;

  /** Tokens added so far. */
  get count(): number {
    return this.#count;
  }

  add(id: number, logprob: number): void {
    this.#tokens.add(id);
    if (this.#count > 0) this.#pairs.add(this.#last * PAIR_BASE + id);
    this.#logprob += logprob;
    this.#last = id;
    this.#count++;
  }

  get perplexity(): number | null {
    return perplexityOf(this.#logprob, this.#count);
  }

  get meanSurprisal(): number | null {
    return meanSurprisalOf(this.#logprob, this.#count);
  }

  /** As the function below. */
  distinctN(n: 1 | 2): number | null {
    const all = this.#count - n + 1;
    return all < 1 ? null : (n === 1 ? this.#tokens : this.#pairs).size / all;
  }
}

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

/** @param total sum of the logprobs */
function perplexityOf(total: number, count: number): number | null {
  return count === 0 ? null : Math.exp(-total / count);
}

function meanSurprisalOf(total: number, count: number): number | null {
  return count === 0 ? null : -total / count / Math.LN2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
