import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import type { CandidatePath, SamplerStageReport, SamplingParams } from '../../../../src-main/engine/api/types.ts';
import type { Explained } from '../waterfall.svelte.ts';

export function stageReport(stage: string, change: Partial<SamplerStageReport> = {}): SamplerStageReport {
  const nothing = { changed: false, survivors: 8, removed: 0, top: [], topBefore: [], removedTop: [], removedMass: 0 };
  return { stage, ...nothing, ...change };
}

type After = [logit: number, probability: number] | null;

function candidateRow(id: number, rank: number, logit: number, after: After[]): CandidatePath {
  const stages = after.map((at) => (at === null ? null : { logit: at[0], probability: at[1] }));
  return { id, piece: `·w${id}`, rank, logit, logprob: Math.log(0.1), stages };
}

/** A draw from eight tokens: a penalty, top-k 3, and a temperature that leaves 0.5, 0.3 and 0.2. */
export function explainedDraw(change: Partial<SamplingParams> = {}): Explained {
  const rows = [
    candidateRow(10, 1, 4, [
      [4, 0.4],
      [4, 0.45],
      [4, 0.47],
      [5, 0.5],
    ]),
    candidateRow(11, 2, 3, [
      [3, 0.2],
      [3, 0.3],
      [3, 0.3],
      [3.8, 0.3],
    ]),
    candidateRow(12, 3, 2.5, [[2.5, 0.1], [1.5, 0.05], null, null]),
    candidateRow(13, 14, -1, [
      [-1, 0.05],
      [-1, 0.05],
      [-1, 0.06],
      [-1.2, 0.2],
    ]),
  ];
  return {
    promptTokens: 7,
    token: null,
    candidates: [],
    survivors: 3,
    stages: [
      stageReport('mask', { survivors: 8, removed: 2 }),
      stageReport('penalties', { changed: true }),
      stageReport('top_k', { changed: true, survivors: 3, removed: 5 }),
      stageReport('temperature', { changed: true, survivors: 3 }),
    ],
    draw: {
      id: 11,
      piece: '·w11',
      probability: 0.3,
      random: 0.6173,
      line: [
        { id: 10, piece: '·w10', from: 0, to: 0.5 },
        { id: 11, piece: '·w11', from: 0.5, to: 0.8 },
        { id: 13, piece: '·w13', from: 0.8, to: 1 },
      ],
      rows,
    },
    index: 0,
    sampling: { ...defaultSamplingParams(), repeatPenalty: 1.2, topK: 3, topP: 1, minP: 0, seed: 42, ...change },
  };
}
