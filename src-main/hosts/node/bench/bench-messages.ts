/** What is asked of a process that is measured, and what it answers: JSON, one message a line. */
import type { ErrorPayload, ExecutorName, KernelsInfo, Profile, ProfileParams } from '../../../engine/api/types.ts';

export type KernelChoices = Pick<KernelsInfo, 'decodeThreads' | 'reason' | 'streams'>;

/** A model that was loaded for measuring. */
export interface BenchModel {
  name: string;
  /** Bytes of its files. */
  fileBytes: number;
  vocabularySize: number;
  executor: ExecutorName | 'llama.cpp';
  /** The variant; null where there are none to choose from. */
  kernels: string | null;
  /** Threads that read prompts. */
  threads: number;
  /** How single tokens are computed, and why; null where there is nothing to choose from. */
  choices: KernelChoices | null;
  loadMs: number;
  /** Tokens that its window holds. */
  contextSize: number;
  /** Bytes of weights, and of K and V of the whole window, as the engine says; null where it does not say. */
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

/** What the machine can do at most on so many threads. */
export interface MachineCeilings {
  threads: number;
  /** From memory, past all caches. */
  readBytesPerSecond: number;
  /** 8-bit multiply-adds of operands in the first cache. */
  multiplyAddsPerSecond: number;
}

/** The calls by name, with what they take and give. Rates are tokens per second. */
export interface BenchCalls {
  machine: { params: Record<string, never>; result: BenchMachine };
  load: {
    params: {
      /** Absolute path of a model's file or folder. */
      path: string;
      executor: ExecutorName;
      /** Null: as many as measurably help. */
      threads: number | null;
      /** Tokens of the window; less where the model was trained for less. */
      contextSize: number;
    };
    result: BenchModel;
  };
  /** Reads a prompt that it has not seen. */
  prefill: { params: { tokens: number }; result: number };
  /** Writes tokens one by one after a context, which it keeps for the next call. */
  decode: { params: { context: number; tokens: number }; result: number };
  /** Writes several replies at once: the rate of all together. */
  lanes: { params: { lanes: number; context: number; tokens: number }; result: number };
  /** Where the time of the loaded model goes. */
  profile: { params: ProfileParams; result: Profile };
  ceilings: { params: { threads: number }; result: MachineCeilings };
  /** Most memory that the process had, less what it had before it loaded a model, bytes. */
  peakBytes: { params: Record<string, never>; result: number };
}

export type BenchCallName = keyof BenchCalls;

export type BenchRequest = { [N in BenchCallName]: { call: N; params: BenchCalls[N]['params'] } }[BenchCallName];

/** A process that is measured, or a page. */
export interface BenchCaller {
  /** @throws EngineError what the call threw; BACKEND_LOST when the process has ended */
  call<N extends BenchCallName>(call: N, params: BenchCalls[N]['params']): Promise<BenchCalls[N]['result']>;
}

export type BenchAnswer = { result: unknown } | { error: ErrorPayload };

/** `workerData` of the thread that is measured. */
export interface BenchWorkerData {
  machine: BenchMachine;
}
