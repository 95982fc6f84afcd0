import type { Candidates } from './candidates.ts';
import { drawDiscrete, peekDiscrete } from './discrete.ts';
import { requireDrawable } from './dist.ts';
import { Mt19937, type Mt19937State } from './rng.ts';

/** Shape of the curve around the target, llama.cpp's constants: height, width and steepness. */
const PEAK = 5;
const WIDTH = 0.3;
const SHARPNESS = 10;
/** Above it the history would never decay. */
const MAX_DECAY = 0.99;

export interface AdaptivePSettings {
  /** Target probability of drawn tokens, 0..1. Below 0 it is off and draws by the model's own probabilities. */
  target: number;
  /** Weight of earlier tokens after each new one, 0..0.99. */
  decay: number;
}

export interface AdaptivePState {
  readonly sum: number;
  readonly weight: number;
  readonly rng: Mt19937State;
}

/**
 * llama.cpp's adaptive-p: prefers tokens whose probability is near a target, and adjusts it by past draws, so that their
 * mean stays at the target. As the last stage of a chain, it draws instead of `dist`.
 */
export class AdaptiveP {
  /** Decaying sums of the probabilities of drawn tokens, and of their weights. */
  private sum: number;
  private weight: number;
  private readonly target: number;
  private readonly decay: number;
  private readonly rng: Mt19937;
  /** `[capacity]` probabilities before the transformation. */
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

  /** Saves the state for backtracking. */
  save(): AdaptivePState {
    return { sum: this.sum, weight: this.weight, rng: this.rng.save() };
  }

  restore({ sum, weight, rng }: AdaptivePState): void {
    this.sum = sum;
    this.weight = weight;
    this.rng.restore(rng);
  }

  /**
   * Transforms the logits towards the target and fills `candidates.probabilities`.
   * @throws EngineError BAD_REQUEST when every candidate is ruled out
   */
  transform(candidates: Candidates): void {
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

  /** Draws from the candidates after `transform`. @returns the slot drawn */
  draw(candidates: Candidates): number {
    const slot = drawDiscrete(candidates, this.rng);
    this.adapt(this.own[slot]);
    return slot;
  }

  /** The random number of the next `draw`; null if it consumes none. */
  peek(candidates: Candidates): number | null {
    return peekDiscrete(candidates, this.rng);
  }

  /** As `draw`, but the token was chosen already. One that is not a candidate counts with a probability of 0. */
  follow(candidates: Candidates, id: number): void {
    drawDiscrete(candidates, this.rng);
    const slot = candidates.slotOf(id);
    this.adapt(slot === -1 ? 0 : this.own[slot]);
  }

  private adapt(probability: number): void {
    if (this.target < 0) return;
    this.sum = Math.fround(probability + Math.fround(this.decay * this.sum));
    this.weight = Math.fround(1 + Math.fround(this.decay * this.weight));
  }
}
