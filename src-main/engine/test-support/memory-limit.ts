import type { KvCacheType } from '../api/types.ts';
import type { ModelFiles } from '../api/platform.ts';
import { defaultKvCacheType } from '../executors/kv-cache-type.ts';
import { bufferSizes } from '../executors/wasm/buffers.ts';
import { dotKindOf } from '../executors/wasm/kernel-choice.ts';
import { bytesOf, layOut } from '../executors/wasm/memory-estimate.ts';
import { fromSource } from '../models/opened-model.ts';
import { openSource } from '../models/open-model.ts';
import { readerOf } from '../models/weight-source.ts';
import { testKernels } from './kernels.ts';

interface LimitOptions {
  readonly contextSize: number;
  readonly threads?: number;
  readonly kvCacheType?: KvCacheType;
}

/** Found out once, because tests count the memories that are created. */
const CODES = dotKindOf(testKernels());

/** A limit per memory with which the kernels need this many memories for a model. */
export async function memoryLimitFor(files: ModelFiles, memories: number, options: LimitOptions): Promise<number> {
  const opened = fromSource(await openSource(files));
  try {
    const { contextSize, threads = 1 } = options;
    const [program, reader] = [opened.buildProgram(contextSize), readerOf(opened.weights)];
    const size = bufferSizes(contextSize, options.kvCacheType ?? defaultKvCacheType(program, reader));
    const layoutFor = (limit: number) => layOut(program, reader, size, threads, CODES, limit);
    const [whole] = layoutFor(Infinity).memories;
    // Infinitely many if a layer does not fit.
    const countFor = (limit: number) => layoutFor(limit).placement?.memories ?? Infinity;
    let [tooSmall, enough] = [whole.scratch, bytesOf(whole)];
    while (enough - tooSmall > 64) {
      const middle = Math.floor((tooSmall + enough) / 2);
      if (countFor(middle) <= memories) enough = middle;
      else tooSmall = middle;
    }
    const found = countFor(enough);
    if (found !== memories) throw new Error(`No limit divides ${files.id} between ${memories} memories, but ${found}.`);
    return enough;
  } finally {
    await opened.close();
  }
}
