import type { FileType, LargeType } from './bench-models.ts';

/** Minimum and goal of a ratio. */
export interface Goal {
  readonly floor: number;
  readonly goal: number;
}

/** Target ratios of tokens per second, Tokenscope to node-llama-cpp. */
export interface FileGoals {
  /** Each side with its fastest number of threads. */
  readonly decodeBest: Goal;
  /** Null for large models: their speed with both sides' best is what counts. */
  readonly decodeAlone: Goal | null;
  /** On one thread and on two. */
  readonly prefill: Goal;
}

function goals(
  decodeBest: [number, number],
  decodeAlone: [number, number] | null,
  prefill: [number, number],
): FileGoals {
  const goal = ([floor, goal]: [number, number]) => ({ floor, goal });
  return { decodeBest: goal(decodeBest), decodeAlone: decodeAlone && goal(decodeAlone), prefill: goal(prefill) };
}

export const GOALS: Readonly<Record<FileType, FileGoals>> = {
  Q4_1: goals([1.8, 2.7], [1.2, 1.7], [1.4, 1.9]),
  Q4_0: goals([1.3, 2.0], [0.9, 1.3], [0.4, 0.8]),
  Q8_0: goals([1.2, 1.8], [0.9, 1.2], [0.6, 0.9]),
  Q4_K: goals([1.3, 2.0], [0.9, 1.3], [0.8, 1.1]),
  Q6_K: goals([1.2, 1.8], [0.8, 1.1], [0.7, 1.0]),
  F16: goals([1.0, 1.5], [0.8, 1.0], [0.35, 0.6]),
};

/** Of large models. `checked`: in a utility process that checks every address. */
export interface LargeGoals {
  readonly plain: FileGoals;
  readonly checked: FileGoals;
}

const ONE_BILLION = { plain: goals([1.5, 1.5], null, [0.85, 1.3]), checked: goals([1.2, 1.5], null, [0.5, 0.85]) };

/** On processors without AVX-VNNI; the goals are those with it. */
export const LARGE_GOALS: Readonly<Record<LargeType, LargeGoals>> = {
  '1B Q4_K_M': ONE_BILLION,
  '1B Q8_0': ONE_BILLION,
  '4B Q4_K_M': { plain: goals([1.4, 1.5], null, [0.8, 1.3]), checked: goals([1.1, 1.4], null, [0.45, 0.8]) },
};
