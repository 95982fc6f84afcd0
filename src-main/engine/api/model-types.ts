/** What a model is and needs, what computes its replies, and where its time goes: plain data, as in `types.ts`. */
import type { ErrorPayload, ExecutorName, KernelsInfo, ModelInfo } from './types.ts';

/** What can be told about a model from its headers, before any weight is read. */
export interface ModelDescription extends Readonly<
  Omit<ModelInfo, 'maskedTokenIds' | 'hasChatRoles' | 'executor' | 'kernels' | 'loadMs' | 'memoryBytes'>
> {
  readonly format: 'GGUF' | 'safetensors';
  /** How tensors are stored, the type with most bytes first. */
  readonly tensorTypes: readonly { readonly type: string; readonly tensors: number; readonly bytes: number }[];
  /** Kind of the tokenizer, for example `gpt2, split as llama-bpe`; null when there is none and only ids can be used. */
  readonly tokenizer: string | null;
  readonly chatTemplate: string | null;
  /** Bytes the model needs when it is loaded for 1024, 4096 and the largest number of tokens. */
  readonly memory: readonly MemoryAt[];
  /** The same on the `webgpu` executor, whether or not there is a GPU; absent for a model that cannot be loaded. */
  readonly gpuMemory?: readonly GpuMemoryAt[];
  /** Why it cannot be loaded all the same, for example the type of one tensor; null when it can. */
  readonly problem: ErrorPayload | null;
}

export interface MemoryAt {
  readonly contextSize: number;
  readonly weights: number;
  readonly kvCache: number;
  readonly scratch: number;
  readonly total: number;
}

export interface GpuMemoryAt extends MemoryAt {
  /** Bytes of the largest buffer, which not all GPUs allow. */
  readonly largestBuffer: number;
}

/** One of a model's files. */
export interface FileHash {
  name: string;
  bytes: number;
  /** Lowercase hex. */
  sha256: string;
}

/**
 * What computes a reply. Executor, kernels, type of K and V and context size determine its tokens; the number of threads
 * does not (decision 9).
 */
export interface RunConditions {
  executor: ExecutorName;
  /** Tokens of prompt and reply together. */
  contextSize: number;
  /** Null for the reference executor, which has none. */
  kernels:
    | (Pick<KernelsInfo, 'variant' | 'revision' | 'kvCacheType' | 'threads' | 'decodeThreads'> & {
        /** Width of the sums of 4-bit products. */
        sumBits: 16 | 32;
      })
    | null;
  /** Of the program (`Tokenscope`) and its runtime, such as `V8`, `Electron` or `Firefox`. */
  versions: Record<string, string>;
}

export interface ProfileParams {
  /** Tokens of a prompt that is read, >= 1. */
  prompt: number;
  /** Tokens in the window before single tokens are computed, >= 1. */
  context: number;
  /** Single tokens, >= 1. */
  generate: number;
}

/** All calls of one operation with the same shape, summed up. */
export interface OpProfile {
  /** For people, for example `linear Q4_1 576 x 1536` or `attention`. */
  name: string;
  calls: number;
  /** Time that the engine's own thread or the GPU computed it, ms; where only one thread does, the time of that one. */
  ms: number;
  /** Time that the engine's thread waited for others before it, ms; 0 on a GPU. */
  waitMs: number;
  /** Bytes of weights, and of K and V, that all threads together read. */
  bytes: number;
  /** Multiply-adds of all threads together. */
  multiplyAdds: number;
}

export interface RunProfile {
  tokens: number;
  /** Threads that computed; null on a GPU. */
  threads: number | null;
  /** From the call to its results, ms; on a GPU, from the beginning of its first operation to the end of its last. */
  ms: number;
  /** The one that took longest first. */
  ops: OpProfile[];
}

/** Where the time of a model goes. Measuring costs a few percent itself. */
export interface Profile {
  prefill: RunProfile;
  /** One token after the other. */
  decode: RunProfile;
}
