import type { Candidates } from './candidates.ts';
import type { Mt19937 } from './rng.ts';

/**
 * Draws one candidate as C++'s `std::discrete_distribution` does, which mirostat uses: probabilities are normalised and
 * summed in double precision, and a single candidate consumes no random number.
 * @param candidates with `probabilities` filled, at least one of them above 0
 * @returns the slot drawn
 */
export function drawDiscrete({ probabilities, length }: Candidates, rng: Mt19937): number {
  if (length < 2) return 0;
  let sum = 0;
  for (let i = 0; i < length; i++) sum += probabilities[i];
  const target = rng.nextDouble();
  let cumulative = 0;
  let chosen = 0;
  for (let i = 0; i < length; i++) {
    // Rounding may leave the sum below the target; impossible candidates must not be drawn even then.
    if (probabilities[i] === 0) continue;
    chosen = i;
    cumulative += probabilities[i] / sum;
    if (cumulative >= target) break;
  }
  return chosen;
}

/** The random number of the next `drawDiscrete`; null if it consumes none. */
export function peekDiscrete({ length }: Candidates, rng: Mt19937): number | null {
  return length < 2 ? null : rng.peekDouble();
}
