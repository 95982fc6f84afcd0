import type { StageObserver } from './sampler-chain.ts';

/** Finds which stage of a chain removes each of a few tokens. */
export class Removals {
  private readonly left: Set<number>;
  private readonly stages = new Map<number, string>();

  constructor(ids: Iterable<number>) {
    this.left = new Set(ids);
  }

  readonly observe: StageObserver = (stage, candidates, { drawn }) => {
    // Before the first stage nothing was removed, and the draw only chooses.
    if (stage === 'start' || drawn !== undefined) return;
    for (const id of candidates.ruledOut(this.left)) {
      this.stages.set(id, stage);
      this.left.delete(id);
    }
  };

  /** Undefined if the token can be drawn. */
  stageOf(id: number): string | undefined {
    return this.stages.get(id);
  }
}
