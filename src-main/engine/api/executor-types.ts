/** What computes a model. */
import type { ModelInfo } from './types.ts';

/**
 * Storage type of K and V in the `wasm` executor. `q8`: 8-bit codes with one scale per head and token; half the memory of
 * `f16`, and less exact if single values of K are far larger than the others.
 */
export type KvCacheType = 'f32' | 'f16' | 'q8';

/** Matrices of one file type, and their type in memory. */
export interface WeightsInMemory {
  /** ggml's name of the file's type. */
  type: string;
  /** The type of the values in memory, which differs if there are no kernels for the file's type. */
  memoryType: string;
  matrices: number;
  /** Bytes in memory. */
  bytes: number;
}

/** The CPU kernels and numbers of threads for a model. */
export interface KernelsInfo {
  /** Name of the variant, for example `threads`. */
  variant: string;
  /** Start of the build's SHA-256; null if the host does not provide it. */
  revision: string | null;
  /** Width of the sums of 4-bit products, with an explanation for people. */
  sums: { bits: 16 | 32; reason: string };
  /** Number of interleaved weight streams for single tokens, with an explanation for people. */
  streams: { count: number; reason: string };
  /** Most bytes first. */
  weights: WeightsInMemory[];
  /** Threads for prefill. */
  threads: number;
  /** Threads for decoding on free cores: fewer if synchronising more threads costs more than it gains. */
  decodeThreads: number;
  /** Explanation of the variant and these numbers, for people. */
  reason: string;
  /** Storage type of K and V. */
  kvCacheType: KvCacheType;
}

/** A graphics adapter. */
export interface GpuAdapterFacts {
  /** As its driver or the browser names it. */
  name: string;
  /** Whether it computes on the CPU, which is slower than the `wasm` executor. */
  isSoftware: boolean;
  /** Bytes of the largest buffer that it allows. */
  largestBuffer: number;
}

/** An automatic choice of the executor. */
export interface ExecutorChoice {
  executor: 'wasm' | 'webgpu';
  /** A sentence for people. */
  reason: string;
}

/** The executor failed, and the reply continues with the same tokens on another one, which now has the model. */
export interface MovedReply {
  model: ModelInfo;
  /** What happened, for people. */
  notice: string;
}
