import type { Candidates } from './candidates.ts';
import { drawDiscrete } from './discrete.ts';
import { requireDrawable } from './dist.ts';
import { Mt19937, type Mt19937State } from './rng.ts';

/** Tokens from which version 1 estimates how fast probabilities fall. */
const ESTIMATED_FROM = 100;

export interface MirostatSettings {
  version: 1 | 2;
  /** The surprise aimed at, in bits: low is focused, high is varied. */
  tau: number;
  /** How fast the cut follows what was drawn. */
  eta: number;
}

export interface MirostatState {
  readonly mu: number;
  readonly rng: Mt19937State;
}

/**
 * Mirostat (Basu et al. 2021): holds the surprise of the text near `tau` by moving a cut, `mu`, after every token. It
 * cuts and draws in place of every other sampler but temperature, and owns the random numbers and `mu` of one reply.
 */
export class Mirostat {
  /** Largest surprise allowed, in bits. */
  private mu: number;
  private readonly rng: Mt19937;

  constructor(
    private readonly settings: MirostatSettings,
    private readonly vocabularySize: number,
    seed: number,
  ) {
    this.rng = new Mt19937(seed);
    this.mu = 2 * Math.fround(settings.tau);
  }

  /** Where the reply stands, to go back to. */
  save(): MirostatState {
    return { mu: this.mu, rng: this.rng.save() };
  }

  restore({ mu, rng }: MirostatState): void {
    this.mu = mu;
    this.rng.restore(rng);
  }

  /** The present cut, in bits. */
  get maxSurprise(): number {
    return this.mu;
  }

  /**
   * Keeps what may be drawn, best first, and fills `candidates.probabilities`.
   * @throws EngineError BAD_REQUEST when every candidate is ruled out
   */
  cut(candidates: Candidates): void {
    requireDrawable(candidates);
    candidates.keepTop(candidates.countDrawable());
    candidates.softmax();
    const size = this.settings.version === 1 ? this.estimatedSize(candidates) : this.sizeWithinSurprise(candidates);
    candidates.length = Math.min(Math.max(size, 1), candidates.length);
    candidates.softmax();
  }

  /** Draws from what `cut` left and moves the cut. @returns the slot drawn */
  draw(candidates: Candidates): number {
    const slot = drawDiscrete(candidates, this.rng);
    const surprise = Math.fround(-Math.log2(candidates.probabilities[slot]));
    const error = Math.fround(surprise - Math.fround(this.settings.tau));
    this.mu = Math.fround(this.mu - Math.fround(Math.fround(this.settings.eta) * error));
    return slot;
  }

  /** Version 2: how many tokens surprise by at most `mu`. */
  private sizeWithinSurprise({ probabilities, length }: Candidates): number {
    let size = 0;
    while (size < length && Math.fround(-Math.log2(probabilities[size])) <= this.mu) size++;
    return size;
  }

  /** Version 1: the k of a top-k with the surprise `mu`, if probabilities fall by Zipf's law with exponent s. */
  private estimatedSize({ probabilities, length }: Candidates): number {
    let products = 0;
    let squares = 0;
    for (let i = 0; i < Math.min(ESTIMATED_FROM, length) - 1; i++) {
      const t = Math.fround(Math.log(Math.fround((i + 2) / (i + 1))));
      const b = Math.fround(Math.log(Math.fround(probabilities[i] / probabilities[i + 1])));
      products = Math.fround(products + Math.fround(t * b));
      squares = Math.fround(squares + Math.fround(t * t));
    }
    const s = Math.fround(products / squares);
    const epsilon = Math.fround(s - 1);
    const k = ((epsilon * 2 ** this.mu) / (1 - this.vocabularySize ** -epsilon)) ** (1 / s);
    // Without a slope to go by there is no estimate, and llama.cpp keeps one token.
    return Number.isNaN(k) ? 1 : Math.floor(k);
  }
}
