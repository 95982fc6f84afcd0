import { describe, expect, it } from 'vitest';
import { distinctN, divergesAt, meanSurprisal, perplexity, RunningMetrics } from './reply-metrics.ts';

/** Of probabilities 1/2, 1/4 and 1/8. */
const LOGPROBS = [Math.log(1 / 2), Math.log(1 / 4), Math.log(1 / 8)];

describe('perplexity', () => {
  it('is one over the geometric mean of the probabilities', () => {
    // (1/2 * 1/4 * 1/8) ^ (1/3) = 1/4
    expect(perplexity(LOGPROBS)).toBeCloseTo(4, 12);
    expect(perplexity([Math.log(1 / 50_000)])).toBeCloseTo(50_000, 6);
    expect(perplexity([0, 0])).toBe(1);
    expect(perplexity([])).toBeNull();
  });
});

describe('meanSurprisal', () => {
  it('is the mean of the bits', () => {
    // 1, 2 and 3 bits
    expect(meanSurprisal(LOGPROBS)).toBeCloseTo(2, 12);
    expect(meanSurprisal([])).toBeNull();
  });

  it('is the logarithm of the perplexity', () => {
    const logprobs = [-0.1, -3.7, -12.5, 0];
    expect(2 ** meanSurprisal(logprobs)!).toBeCloseTo(perplexity(logprobs)!, 9);
  });
});

describe('distinctN', () => {
  it('is the share of n-grams that are different', () => {
    const ids = [1, 2, 1, 2, 3];
    // 1, 2, 3 of five tokens; 1-2, 2-1, 2-3 of four pairs; 1-2-1, 2-1-2, 1-2-3 of three
    expect(distinctN(ids, 1)).toBe(3 / 5);
    expect(distinctN(ids, 2)).toBe(3 / 4);
    expect(distinctN(ids, 3)).toBe(1);
  });

  it('distinguishes n-grams with the same digits', () => {
    expect(distinctN([1, 11, 11, 1], 2)).toBe(1);
  });

  it('is null if there are no n-grams', () => {
    expect(distinctN([], 1)).toBeNull();
    expect(distinctN([5], 2)).toBeNull();
    expect(distinctN([5, 5], 2)).toBe(1);
  });
});

describe('RunningMetrics', () => {
  it('are the metrics of what was added so far', () => {
    // -1: text without a token.
    const ids = [5, 5, 1, 262_143, 5, 5, 1, -1, 0, -1, 0];
    const logprobs = ids.map((_, at) => -0.25 * at);
    const running = new RunningMetrics();
    const metrics = () => [running.distinctN(1), running.distinctN(2), running.perplexity, running.meanSurprisal];
    expect(metrics()).toEqual([null, null, null, null]);
    ids.forEach((id, at) => {
      running.add(id, logprobs[at]!);
      const added = ids.slice(0, at + 1);
      const known = logprobs.slice(0, at + 1);
      expect(running.count).toBe(at + 1);
      expect(metrics()).toEqual([distinctN(added, 1), distinctN(added, 2), perplexity(known), meanSurprisal(known)]);
    });
  });
});

describe('divergesAt', () => {
  it('is the index of the first token that differs', () => {
    expect(divergesAt([1, 2, 3], [1, 2, 4])).toBe(2);
    expect(divergesAt([1, 2, 3], [9, 2, 3])).toBe(0);
    expect(divergesAt([1, 2, 3], [1, 2, 3])).toBeNull();
    expect(divergesAt([], [])).toBeNull();
  });

  it('is the end of a reply that the other continues', () => {
    expect(divergesAt([1, 2], [1, 2, 3])).toBe(2);
    expect(divergesAt([1, 2, 3], [1])).toBe(1);
    expect(divergesAt([], [1])).toBe(0);
  });
});
