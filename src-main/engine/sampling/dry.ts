import type { Candidates } from './candidates.ts';
import { isBreaker, lengthAfterBreaker, type Breakers } from './dry-breakers.ts';

/** ln of the largest float32; limits the exponent. */
const LOG_MAX_FLOAT = 88.7228391;
/** Strong enough for anything, while infinity could rule out the last candidate. */
const MAX_PENALTY = 1e30;

export interface Dry {
  /** Penalty for a repetition of the allowed length; 0 is off. */
  multiplier: number;
  /** Growth factor of the penalty per further token; below 1 is off. */
  base: number;
  /** Tokens that may be repeated without a penalty. */
  allowedLength: number;
  /** Length of the searched history in tokens; <= 0 is off. */
  lastN: number;
}

/**
 * "Don't repeat yourself" (p-e-w 2024): a token that would continue the repetition of an earlier passage loses multiplier
 * * base ^ (length of the passage - allowedLength). Breakers, such as quotes and line ends, stop the search, so that
 * structure may be repeated.
 * @param history prompt and reply so far, oldest first
 */
export function applyDry(candidates: Candidates, dry: Dry, breakers: Breakers, history: readonly number[]): void {
  const { multiplier, base, allowedLength, lastN } = dry;
  if (multiplier === 0 || base < 1 || lastN <= 0) return;
  const recent = history.slice(-lastN);
  if (recent.length <= allowedLength) return;
  const longestCounted = lengthAfterBreaker(recent, breakers);
  if (longestCounted < allowedLength) return;
  const continuations = longestContinued(recent, longestCounted, allowedLength);
  if (continuations.size === 0) return;

  const factor = Math.fround(base);
  const maxExponent = factor > 1.000001 ? Math.floor(LOG_MAX_FLOAT / Math.log(factor)) : Number.POSITIVE_INFINITY;
  const penalties = new Map<number, number>();
  for (const [id, repeated] of continuations) {
    if (isBreaker(breakers, id)) continue;
    const power = factor ** Math.min(repeated - allowedLength, maxExponent);
    penalties.set(id, Math.min(Math.fround(Math.fround(multiplier) * power), MAX_PENALTY));
  }
  candidates.sorted = false;
  if (candidates.change(penalties.keys(), (logit, id) => logit - penalties.get(id)!, multiplier > 0)) return;
  const { ids, logits, length } = candidates;
  for (let slot = 0; slot < length; slot++) {
    const penalty = penalties.get(ids[slot]);
    if (penalty !== undefined) logits[slot] = logits[slot] - penalty;
  }
}

/**
 * Tokens that followed an earlier occurrence of the end of `recent`, each with the length of the longest such passage, if
 * that is at least `shortest`. Lengths count up to `longest`.
 */
function longestContinued(recent: readonly number[], longest: number, shortest: number): Map<number, number> {
  const continued = new Map<number, number>();
  const matches = suffixMatches(recent);
  for (let distance = 1; distance < recent.length; distance++) {
    const repeated = Math.min(matches[distance], longest);
    if (repeated < shortest) continue;
    const next = recent[recent.length - distance];
    continued.set(next, Math.max(continued.get(next) ?? 0, repeated));
  }
  return continued;
}

/**
 * For each distance, how many tokens that end there are also the last ones of `ids`: the Z-function (Gusfield 1997) of
 * the reversed sequence, in linear time.
 */
function suffixMatches(ids: readonly number[]): Int32Array {
  const matches = new Int32Array(ids.length);
  const last = ids.length - 1;
  let left = 0;
  let right = 0;
  for (let i = 1; i <= last; i++) {
    let length = i < right ? Math.min(right - i, matches[i - left]) : 0;
    while (i + length <= last && ids[last - length] === ids[last - i - length]) length++;
    matches[i] = length;
    if (i + length > right) {
      left = i;
      right = i + length;
    }
  }
  return matches;
}
