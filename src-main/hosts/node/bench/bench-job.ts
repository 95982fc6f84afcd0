/** What the bench measures, and what comes out: plain data that crosses process borders as JSON. */
import type { ErrorPayload, ExecutorName } from '../../../engine/types.ts';

export interface BenchJob {
  /** Absolute path of a model's file or folder. */
  path: string;
  executor: ExecutorName;
  /** Null: as many as measurably help. */
  threads: number | null;
  /** Tokens of the prompt whose reading is timed. */
  prompt: number;
  /** Tokens that are written after each context. */
  generate: number;
  /** Tokens in the window before the first of them. */
  contexts: number[];
  /** Sequences that are written at once, each a measurement of its own. */
  lanes: number[];
  /** Measurements of each kind, of which the median counts. */
  repeat: number;
  /** Also time each kind of operation, and the machine's ceilings. */
  profile: boolean;
}

export interface Rate {
  tokens: number;
  tokensPerSecond: number;
}

/** Medians. */
export interface BenchResult {
  /** The model's name. */
  model: string;
  executor: ExecutorName;
  /** The variant; null for the reference executor. */
  kernels: string | null;
  threads: number;
  loadMs: number;
  /** Most memory that the process had, less what it had before it loaded the model. */
  peakBytes: number;
  prefill: Rate;
  decode: (Rate & { context: number })[];
}

/** Beside the result: what it was measured on, and what was asked for beside it. */
export interface BenchReport {
  result: BenchResult;
  machine: Machine;
  /** Why these kernels and threads. */
  reason: string | null;
  /** Tokens per second of all lanes together. */
  lanes: (Rate & { lanes: number })[];
  /** What could not be measured, for a person. */
  notices: string[];
}

export interface Machine {
  cpu: string;
  /** Threads that it runs at once. */
  cores: number;
  memoryBytes: number;
  platform: string;
  /** For example `Electron 33.2.1, utility process`. */
  runtime: string;
  v8: string;
}

/** One line of a bench process's standard output. */
export type BenchMessage =
  { type: 'started' } | { type: 'done'; report: BenchReport } | { type: 'failed'; error: ErrorPayload };

/** `workerData` of the thread that is measured. */
export interface BenchWorkerData {
  job: BenchJob;
  machine: Machine;
}
