import type { Candidates } from './candidates.ts';
import { drawDiscrete } from './discrete.ts';
import { requireDrawable } from './dist.ts';
import { Mt19937, type Mt19937State } from './rng.ts';

/** Shape of the curve around the probability aimed at, llama.cpp's constants: its height, width and steepness. */
const PEAK = 5;
const WIDTH = 0.3;
const SHARPNESS = 10;
/** Beyond it nothing would ever be forgotten. */
const MAX_DECAY = 0.99;

export interface AdaptivePSettings {
  /** The probability of drawn tokens aimed at, 0..1; below 0 is off: draws by the model's own probabilities. */
  target: number;
  /** How much of what was drawn before still counts after each token, 0..0.99. */
  decay: number;
}

export interface AdaptivePState {
  readonly sum: number;
  readonly weight: number;
  readonly rng: Mt19937State;
}

/**
 * llama.cpp's adaptive-p: prefers tokens whose probability is near a target, and moves that to the other side when what
 * was drawn lies off it, so that the mean stays there. The last stage of a chain, it draws in place of `dist`.
 */
export class AdaptiveP {
  /** Decaying sums: of the probabilities of drawn tokens, and of their weights. */
  private sum: number;
  private weight: number;
  private readonly target: number;
  private readonly decay: number;
  private readonly rng: Mt19937;
  /** `[capacity]` probabilities before they were bent. */
  private own = new Float32Array(0);

  constructor(settings: AdaptivePSettings, seed: number) {
    const { fround } = Math;
    this.rng = new Mt19937(seed);
    this.target = fround(settings.target);
    this.decay = fround(Math.min(Math.max(settings.decay, 0), MAX_DECAY));
    const left = fround(1 - this.decay);
    this.sum = fround(this.target / left);
    this.weight = fround(1 / left);
  }

  /** Where the reply stands, to go back to. */
  save(): AdaptivePState {
    return { sum: this.sum, weight: this.weight, rng: this.rng.save() };
  }

  restore({ sum, weight, rng }: AdaptivePState): void {
    this.sum = sum;
    this.weight = weight;
    this.rng.restore(rng);
  }

  /**
   * Bends the logits towards the target and fills `candidates.probabilities`.
   * @throws EngineError BAD_REQUEST when every candidate is ruled out
   */
  bend(candidates: Candidates): void {
    requireDrawable(candidates);
    candidates.softmax();
    const { logits, probabilities, length } = candidates;
    this.own = probabilities.slice(0, length);
    if (this.target < 0) return;
    const { fround } = Math;
    const mean = fround(this.sum / this.weight);
    const aim = fround(Math.min(Math.max(fround(fround(2 * Math.min(this.target, 1)) - mean), 0), 1));
    for (let i = 0; i < length; i++) {
      if (logits[i] === Number.NEGATIVE_INFINITY) continue;
      const distance = fround(Math.abs(fround(this.own[i] - aim)) * fround(1 / fround(WIDTH)));
      logits[i] = PEAK - fround(fround(SHARPNESS * fround(distance * distance)) / fround(1 + distance));
    }
    candidates.sorted = false;
    candidates.softmax();
  }

  /** Draws from what `bend` left. @returns the slot drawn */
  draw(candidates: Candidates): number {
    const slot = drawDiscrete(candidates, this.rng);
    if (this.target >= 0) {
      this.sum = Math.fround(this.own[slot] + Math.fround(this.decay * this.sum));
      this.weight = Math.fround(1 + Math.fround(this.decay * this.weight));
    }
    return slot;
  }
}
