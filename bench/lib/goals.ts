import type { FileType } from './bench-models.ts';

/** Minimum and goal of a ratio. */
export interface Goal {
  readonly floor: number;
  readonly goal: number;
}

/** Target ratios of tokens per second, Tokenscope to node-llama-cpp. */
export interface FileGoals {
  /** Each side with its fastest number of threads. */
  readonly decodeBest: Goal;
  readonly decodeAlone: Goal;
  /** On one thread and on two. */
  readonly prefill: Goal;
}

function goals(decodeBest: [number, number], decodeAlone: [number, number], prefill: [number, number]): FileGoals {
  const goal = ([floor, goal]: [number, number]) => ({ floor, goal });
  return { decodeBest: goal(decodeBest), decodeAlone: goal(decodeAlone), prefill: goal(prefill) };
}

export const GOALS: Readonly<Record<FileType, FileGoals>> = {
  Q4_1: goals([1.8, 2.7], [1.2, 1.7], [1.4, 1.9]),
  Q4_0: goals([1.3, 2.0], [0.9, 1.3], [0.4, 0.8]),
  Q8_0: goals([1.2, 1.8], [0.9, 1.2], [0.6, 0.9]),
  Q4_K: goals([1.3, 2.0], [0.9, 1.3], [0.8, 1.1]),
  Q6_K: goals([1.2, 1.8], [0.8, 1.1], [0.7, 1.0]),
  F16: goals([1.0, 1.5], [0.8, 1.0], [0.35, 0.6]),
};
