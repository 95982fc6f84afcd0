import type { CandidatePath, DrawReport, SamplerStageReport, StageFindings } from '../api/types.ts';
import type { Candidates } from './candidates.ts';
import { drawLine } from './draw-line.ts';
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
  /** By token id, of those that are not ruled out. */
  logits: Float32Array;
  survivors: number;
  top: [number, number][];
}

/** The random number of a draw, and its whole line. */
export type RecordedDraw = Pick<DrawReport, 'random'> & { line: [id: number, from: number, to: number][] };

export interface StageRecorder {
  readonly observe: StageObserver;
  readonly stages: SamplerStageReport[];
  /** Null until the draw, or unless the recorder follows it. */
  readonly draw: RecordedDraw | null;
  /** Token `id` after each stage but the draw. The recorder must follow the draw. */
  after(id: number): CandidatePath['stages'];
}

/**
 * Records the effect of each stage of a chain, for display.
 * @param top candidates listed per stage
 * @param followsDraw also records the draw, and each token's way through the chain
 */
export function recordStages(top: number, followsDraw = false): StageRecorder {
  const stages: SamplerStageReport[] = [];
  const standings: Standing[] = [];
  let draw: RecordedDraw | null = null;
  let before: Standing | null = null;
  const observe: StageObserver = (stage, candidates, { findings, drawn }) => {
    const after = drawn === undefined ? standing(candidates, top) : standingOfDrawn(candidates, drawn.slot);
    if (before !== null) stages.push({ stage, ...difference(before, after, top), ...found(findings) });
    if (followsDraw && drawn !== undefined) draw = { random: drawn.random, line: drawLine(candidates) };
    else if (followsDraw && before !== null) standings.push(after);
    before = after;
  };
  return {
    observe,
    stages,
    get draw() {
      return draw;
    },
    after: (id) =>
      standings.map(({ probabilities, logits }) =>
        probabilities[id] === RULED_OUT ? null : { logit: logits[id], probability: probabilities[id] },
      ),
  };
}

function found(findings: StageFindings | undefined): Pick<SamplerStageReport, 'findings'> {
  return findings === undefined ? {} : { findings };
}

function standing(candidates: Candidates, top: number): Standing {
  const { ids, logits, length } = candidates;
  const survivors = candidates.countDrawable();
  const probabilities = new Float64Array(ids.length).fill(RULED_OUT);
  const byId = new Float32Array(ids.length);
  if (survivors === 0) return { probabilities, logits: byId, survivors, top: [] };
  const distribution = new RawDistribution(logits.subarray(0, length));
  for (let slot = 0; slot < length; slot++) {
    if (logits[slot] === Number.NEGATIVE_INFINITY) continue;
    probabilities[ids[slot]] = Math.exp(distribution.logprob(slot));
    byId[ids[slot]] = logits[slot];
  }
  const best = distribution.top(Math.min(top, survivors));
  return {
    probabilities,
    logits: byId,
    survivors,
    top: best.map(([slot, logprob]) => [ids[slot], Math.exp(logprob)]),
  };
}

/** The drawn token, with its probability. */
function standingOfDrawn(candidates: Candidates, slot: number): Standing {
  const { ids, logits } = candidates;
  const probability = candidates.probability(slot);
  const probabilities = new Float64Array(ids.length).fill(RULED_OUT);
  probabilities[ids[slot]] = probability;
  const byId = new Float32Array(ids.length);
  byId[ids[slot]] = logits[slot];
  return { probabilities, logits: byId, survivors: 1, top: [[ids[slot], probability]] };
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
