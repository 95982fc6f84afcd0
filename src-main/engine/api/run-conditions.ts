/** What a reply depends on beside its request. Plain data, as in `types.ts`. */
import type { ExecutorName, KernelsInfo } from './types.ts';

/** One of the files that a model was read from. */
export interface FileHash {
  name: string;
  bytes: number;
  /** In lowercase hex. */
  sha256: string;
}

/**
 * What computed a reply. Executor, kernels, type of K and V and size of the window decide its bits; the threads do not
 * (decision 9).
 */
export interface RunConditions {
  executor: ExecutorName;
  /** Tokens of prompt and reply together. */
  contextSize: number;
  /** Null for the reference executor, which has none. */
  kernels:
    | (Pick<KernelsInfo, 'variant' | 'revision' | 'kvCacheType' | 'threads' | 'decodeThreads'> & {
        /** Bits of the sums of products of 4-bit codes. */
        sumBits: 16 | 32;
      })
    | null;
  /** Of the program (`Tokenscope`) and of what it runs on: `V8`, `Node.js`, `Electron`, `Browser`. */
  versions: Record<string, string>;
}
