import type { Candidates } from './candidates.ts';
import { drawDiscrete, peekDiscrete } from './discrete.ts';
import { requireDrawable } from './dist.ts';
import { Mt19937, type Mt19937State } from './rng.ts';

/** Number of tokens from which version 1 estimates how fast probabilities fall. */
const ESTIMATED_FROM = 100;

export interface MirostatSettings {
  version: 1 | 2;
  /** Target surprisal in bits: low is focused, high is varied. */
  tau: number;
  /** Learning rate. */
  eta: number;
}

export interface MirostatState {
  readonly mu: number;
  readonly rng: Mt19937State;
}

/**
 * Mirostat (Basu et al. 2021): keeps the surprisal of the text near `tau` by adjusting a threshold, `mu`, after every
 * token. It truncates and draws instead of every other sampler except temperature, and owns the random numbers and `mu`
 * of one reply.
 */
export class Mirostat {
  /** Maximum surprisal, in bits. */
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

  /** Saves the state for backtracking. */
  save(): MirostatState {
    return { mu: this.mu, rng: this.rng.save() };
  }

  restore({ mu, rng }: MirostatState): void {
    this.mu = mu;
    this.rng.restore(rng);
  }

  /** The current threshold, in bits. */
  get maxSurprisal(): number {
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
    const size = this.settings.version === 1 ? this.estimatedSize(candidates) : this.sizeWithinSurprisal(candidates);
    candidates.length = Math.min(Math.max(size, 1), candidates.length);
    candidates.softmax();
  }

  /** Draws from the candidates after `cut` and adjusts the threshold. @returns the slot drawn */
  draw(candidates: Candidates): number {
    const slot = drawDiscrete(candidates, this.rng);
    this.adapt(candidates.probabilities[slot]);
    return slot;
  }

  /** The random number of the next `draw`; null if it consumes none. */
  peek(candidates: Candidates): number | null {
    return peekDiscrete(candidates, this.rng);
  }

  /**
   * As `draw`, but the token was chosen already. One that mirostat would have cut has no surprisal, so the threshold stays.
   */
  follow(candidates: Candidates, id: number): void {
    drawDiscrete(candidates, this.rng);
    const slot = candidates.slotOf(id);
    if (slot !== -1) this.adapt(candidates.probabilities[slot]);
  }

  private adapt(probability: number): void {
    const surprise = Math.fround(-Math.log2(probability));
    const error = Math.fround(surprise - Math.fround(this.settings.tau));
    this.mu = Math.fround(this.mu - Math.fround(Math.fround(this.settings.eta) * error));
  }

  /** Version 2: number of tokens with a surprisal of at most `mu`. */
  private sizeWithinSurprisal({ probabilities, length }: Candidates): number {
    let size = 0;
    while (size < length && Math.fround(-Math.log2(probabilities[size])) <= this.mu) size++;
    return size;
  }

  /** Version 1: the k of a top-k with the surprisal `mu`, if probabilities fall by Zipf's law with exponent s. */
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
    // Without a slope there is no estimate, and llama.cpp keeps one token.
    return Number.isNaN(k) ? 1 : Math.floor(k);
  }
}
