/** What is asked of a process that is measured, and what it answers: JSON, one message a line. */
import type {
  ErrorPayload,
  ExecutorName,
  GpuAdapterFacts,
  KernelsInfo,
  Profile,
  ProfileParams,
} from '../../../engine/api/types.ts';

export type KernelChoices = Pick<KernelsInfo, 'decodeThreads' | 'reason' | 'streams'>;

/** A model loaded for the benchmark. */
export interface BenchModel {
  name: string;
  /** Size of its files. */
  fileBytes: number;
  vocabularySize: number;
  executor: ExecutorName | 'llama.cpp';
  /** The variant; null if there are none to choose from. */
  kernels: string | null;
  /** Threads for prefill. */
  threads: number;
  /** How single tokens are decoded, and why; null if there is no choice. */
  choices: KernelChoices | null;
  loadMs: number;
  /** Its context size. */
  contextSize: number;
  /** Of the webgpu executor only. */
  adapter?: GpuAdapterFacts;
  /** Bytes of weights, and of K and V of the whole window, as reported by the engine; null if it does not report them. */
  weightBytes: number | null;
  kvBytes: number | null;
}

export interface BenchMachine {
  cpu: string;
  /** Threads that it runs at once. */
  cores: number;
  memoryBytes: number;
  platform: string;
  /** For example `Electron 33.2.1, utility process`. */
  runtime: string;
  v8: string;
}

/** Upper limits of the machine for a number of threads. */
export interface MachineCeilings {
  threads: number;
  /** From memory, not from caches. */
  readBytesPerSecond: number;
  /** 8-bit multiply-adds on operands in the L1 cache. */
  multiplyAddsPerSecond: number;
}

/** The calls by name, with params and results. Rates are tokens per second. */
export interface BenchCalls {
  machine: { params: Record<string, never>; result: BenchMachine };
  load: {
    params: {
      /** Absolute path of a model's file or folder. */
      path: string;
      executor: ExecutorName;
      /** Null: as many as measurably help. */
      threads: number | null;
      /** Context size in tokens, limited to the training context. */
      contextSize: number;
    };
    result: BenchModel;
  };
  /** Prefills a new prompt. */
  prefill: { params: { tokens: number }; result: number };
  /** Decodes tokens one by one after a context, which stays cached for the next call. */
  decode: { params: { context: number; tokens: number }; result: number };
  /** Decodes several replies at once; returns their total rate. */
  lanes: { params: { lanes: number; context: number; tokens: number }; result: number };
  /** Profiles the loaded model. */
  profile: { params: ProfileParams; result: Profile };
  ceilings: { params: { threads: number }; result: MachineCeilings };
  /** Peak memory of the process, minus its memory before the model was loaded, bytes. */
  peakBytes: { params: Record<string, never>; result: number };
}

export type BenchCallName = keyof BenchCalls;

export type BenchRequest = { [N in BenchCallName]: { call: N; params: BenchCalls[N]['params'] } }[BenchCallName];

/** A benchmarked process or page. */
export interface BenchCaller {
  /** @throws EngineError the call's error; BACKEND_LOST when the process has exited */
  call<N extends BenchCallName>(call: N, params: BenchCalls[N]['params']): Promise<BenchCalls[N]['result']>;
}

export type BenchAnswer = { result: unknown } | { error: ErrorPayload };

/** `workerData` of the benchmarked thread. */
export interface BenchWorkerData {
  machine: BenchMachine;
}
