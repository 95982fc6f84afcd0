import type { SamplerStageReport } from '../types.ts';
import type { StageObserver } from './sampler-chain.ts';
import { RawDistribution } from './raw-distribution.ts';

/**
 * Records what each stage of a chain did, for people to see.
 * @param top candidates listed per stage
 */
export function recordStages(top: number): { observe: StageObserver; stages: SamplerStageReport[] } {
  const stages: SamplerStageReport[] = [];
  let before = 0;
  const observe: StageObserver = (stage, candidates, drawn) => {
    const drawable = candidates.countDrawable();
    if (stage === 'start') {
      before = drawable;
      return;
    }
    if (drawn !== undefined) {
      const chosen: [number, number] = [candidates.ids[drawn], candidates.probabilities[drawn]];
      stages.push({ stage, survivors: 1, removed: before - 1, top: [chosen] });
      return;
    }
    const logits = candidates.logits.subarray(0, candidates.length);
    const best = drawable === 0 ? [] : new RawDistribution(logits).top(Math.min(top, drawable));
    stages.push({
      stage,
      survivors: drawable,
      removed: before - drawable,
      top: best.map(([slot, logprob]) => [candidates.ids[slot], Math.exp(logprob)]),
    });
    before = drawable;
  };
  return { observe, stages };
}
