import type { SamplerStageReport } from '../api/types.ts';
import type { Candidates } from './candidates.ts';
import { RawDistribution } from './raw-distribution.ts';
import type { StageObserver } from './sampler-chain.ts';
import { selectTop } from './select-top.ts';

/** Relative difference between two probabilities that exceeds the rounding of a sum. */
const NOTABLE = 1e-9;
/**
 * Marks a token that cannot be drawn in a table of probabilities. Distinct from 0, to which a small probability may
 * round.
 */
const RULED_OUT = -1;

/** The candidates at one point of the chain. */
interface Standing {
  /** By token id, or `RULED_OUT`. */
  probabilities: Float64Array;
  survivors: number;
  top: [number, number][];
}

/**
 * Records the effect of each stage of a chain, for display.
 * @param top candidates listed per stage
 */
export function recordStages(top: number): { observe: StageObserver; stages: SamplerStageReport[] } {
  const stages: SamplerStageReport[] = [];
  let before: Standing | null = null;
  const observe: StageObserver = (stage, candidates, drawn) => {
    const after = drawn === undefined ? standing(candidates, top) : standingOfDrawn(candidates, drawn);
    if (before !== null) stages.push({ stage, ...difference(before, after, top) });
    before = after;
  };
  return { observe, stages };
}

function standing(candidates: Candidates, top: number): Standing {
  const { ids, logits, length } = candidates;
  const survivors = candidates.countDrawable();
  const probabilities = new Float64Array(ids.length).fill(RULED_OUT);
  if (survivors === 0) return { probabilities, survivors, top: [] };
  const distribution = new RawDistribution(logits.subarray(0, length));
  for (let slot = 0; slot < length; slot++) {
    if (logits[slot] > Number.NEGATIVE_INFINITY) probabilities[ids[slot]] = Math.exp(distribution.logprob(slot));
  }
  const best = distribution.top(Math.min(top, survivors));
  return { probabilities, survivors, top: best.map(([slot, logprob]) => [ids[slot], Math.exp(logprob)]) };
}

/** The drawn token, with its probability. */
function standingOfDrawn({ ids, probabilities: drawnFrom }: Candidates, slot: number): Standing {
  const probabilities = new Float64Array(ids.length).fill(RULED_OUT);
  probabilities[ids[slot]] = drawnFrom[slot];
  return { probabilities, survivors: 1, top: [[ids[slot], drawnFrom[slot]]] };
}

function difference(before: Standing, after: Standing, top: number): Omit<SamplerStageReport, 'stage'> {
  const removed: number[] = [];
  let removedMass = 0;
  let changed = false;
  before.probabilities.forEach((probability, id) => {
    if (probability === RULED_OUT) return;
    const now = after.probabilities[id];
    if (now === RULED_OUT) {
      removed.push(id);
      removedMass += probability;
    }
    if (Math.abs(now - probability) > NOTABLE * probability) changed = true;
  });
  const mostProbable = selectTop(
    Float32Array.from(removed, (id) => before.probabilities[id]),
    removed.length,
    top,
  );
  return {
    changed,
    survivors: after.survivors,
    removed: removed.length,
    top: after.top,
    topBefore: after.top.map(([id]) => before.probabilities[id]),
    removedTop: Array.from(mostProbable, (slot) => [removed[slot], before.probabilities[removed[slot]]]),
    removedMass,
  };
}
