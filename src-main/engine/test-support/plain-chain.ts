/**
 * The sampler chain from its definition, in double precision and without any of the engine's code: samplers.md of
 * llama.cpp's documentation, written as plainly as possible, to compare reports with.
 */
import type { SamplingParams } from '../api/types.ts';

/** Candidates in the chain's order. */
export type PlainCandidates = { id: number; logit: number }[];

export function softmax(candidates: PlainCandidates): number[] {
  const highest = Math.max(...candidates.map(({ logit }) => logit));
  const weights = candidates.map(({ logit }) => Math.exp(logit - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function sorted(candidates: PlainCandidates): PlainCandidates {
  return candidates.toSorted((a, b) => b.logit - a.logit || a.id - b.id);
}

/** The first candidates until the sum of their probabilities is enough. */
function upTo(candidates: PlainCandidates, isReached: (total: number) => boolean): PlainCandidates {
  const probabilities = softmax(candidates);
  let total = 0;
  const end = probabilities.findIndex((probability) => isReached((total += probability)));
  return end === -1 ? candidates : candidates.slice(0, end + 1);
}

function typical(candidates: PlainCandidates, p: number): PlainCandidates {
  const probabilities = softmax(candidates);
  const entropy = probabilities.reduce((sum, q) => (q > 0 ? sum - q * Math.log(q) : sum), 0);
  const distance = new Map(candidates.map(({ id }, i) => [id, Math.abs(-Math.log(probabilities[i]) - entropy)]));
  const byDistance = candidates.toSorted((a, b) => distance.get(a.id)! - distance.get(b.id)!);
  const probabilityOf = new Map(candidates.map(({ id }, i) => [id, probabilities[i]]));
  let total = 0;
  const end = byDistance.findIndex(({ id }) => (total += probabilityOf.get(id)!) > p);
  return end === -1 ? byDistance : byDistance.slice(0, end + 1);
}

function temperature(candidates: PlainCandidates, { temperature: t, dynatempRange, dynatempExponent }: SamplingParams) {
  let divisor = t;
  if (dynatempRange > 0) {
    if (candidates.length < 2) return candidates;
    const entropy = softmax(candidates).reduce((sum, q) => (q > 0 ? sum - q * Math.log(q) : sum), 0);
    const low = Math.max(0, t - dynatempRange);
    divisor = low + (t + dynatempRange - low) * (entropy / Math.log(candidates.length)) ** dynatempExponent;
  }
  if (divisor <= 0) return sorted(candidates).slice(0, 1);
  return candidates.map(({ id, logit }) => ({ id, logit: logit / divisor }));
}

function penalties(candidates: PlainCandidates, history: readonly number[], params: SamplingParams): PlainCandidates {
  const recent = params.penaltyLastN === 0 ? [] : history.slice(-params.penaltyLastN);
  const counts = new Map<number, number>();
  for (const id of recent) counts.set(id, (counts.get(id) ?? 0) + 1);
  return candidates.map(({ id, logit }) => {
    const count = counts.get(id) ?? 0;
    if (count === 0) return { id, logit };
    const scaled = logit <= 0 ? logit * params.repeatPenalty : logit / params.repeatPenalty;
    return { id, logit: scaled - count * params.frequencyPenalty - params.presencePenalty };
  });
}

function topNSigma(candidates: PlainCandidates, n: number): PlainCandidates {
  if (n <= 0) return candidates;
  const mean = candidates.reduce((sum, { logit }) => sum + logit, 0) / candidates.length;
  const variance = candidates.reduce((sum, { logit }) => sum + (logit - mean) ** 2, 0) / candidates.length;
  const highest = Math.max(...candidates.map(({ logit }) => logit));
  return candidates.filter(({ logit }) => logit >= highest - n * Math.sqrt(variance));
}

/**
 * The candidates after each of `params.samplers`.
 * @param logits `[vocabulary]`
 * @param masked tokens that are never generated
 */
export function plainChain(
  logits: readonly number[],
  masked: readonly number[],
  history: readonly number[],
  params: SamplingParams,
): PlainCandidates[] {
  let candidates = logits.map((logit, id) => ({ id, logit })).filter(({ id }) => !masked.includes(id));
  return params.samplers.map((name) => {
    switch (name) {
      case 'penalties':
        candidates = penalties(candidates, history, params);
        break;
      case 'top_n_sigma':
        candidates = topNSigma(candidates, params.topNSigma);
        break;
      case 'top_k':
        if (params.topK > 0) candidates = sorted(candidates).slice(0, params.topK);
        break;
      case 'typical':
        if (params.typicalP < 1) candidates = typical(sorted(candidates), params.typicalP);
        break;
      case 'top_p':
        if (params.topP < 1) candidates = upTo(sorted(candidates), (total) => total >= params.topP);
        break;
      case 'min_p': {
        const highest = Math.max(...candidates.map(({ logit }) => logit));
        if (params.minP > 0) candidates = candidates.filter(({ logit }) => logit >= highest + Math.log(params.minP));
        break;
      }
      case 'temperature':
        candidates = temperature(candidates, params);
        break;
      case 'dry':
      case 'xtc':
        if (params.dryMultiplier !== 0 || params.xtcProbability > 0) throw new Error(`no plain ${name}`);
    }
    return candidates;
  });
}
