/** All buffers of a model: created for the executor, or only counted to know its memory before it is loaded. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer } from '../../api/gpu.ts';
import type { GpuMemoryAt, KvCacheType } from '../../api/types.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { type Executor, MAX_ROWS, MOST_IN_FLIGHT } from '../executor.ts';
import { fuse } from '../fusion.ts';
import { defaultKvCacheType } from '../kv-cache-type.ts';
import { group, type GroupedOps, joinedTensors } from './grouping.ts';
import { gpuKvType, kvLayouts } from './kv-storage.ts';
import { logitsBytes } from './logits-readback.ts';
import { TOP_LOGITS, topWords } from './ops/top-logits.ts';
import type { PlanBuffers, TopBuffer } from './plan.ts';
import { runBytes, runFormat } from './run-inputs.ts';
import { LOGIT_ROWS } from './shader.ts';
import { allocateActivations, allocateKv, allocateSlices, type BufferDevice, BufferSet, contextBytes } from './storage.ts'; // prettier-ignore
import { allocateWeights, areJoined, mayJoin, weightBytesOf } from './weights.ts';

/** What the size of the buffers depends on, beside the program and the types of its weights. */
export interface BufferOptions {
  /** Cells of K and V storage: tokens of all sequences together. */
  readonly cells: number;
  /** Storage type of K and V; by default as exact as the weights. */
  readonly kvCacheType?: KvCacheType | undefined;
  /** How many of the best logits are read first, `TOP_LOGITS` by default and at most; fewer in tests. */
  readonly topLogits?: number | undefined;
  /** Shortest context that few rows attend to in slices, in cells: `SLICE_CELLS` by default; less in tests. */
  readonly sliceCells?: number | undefined;
}

export interface ModelBuffers {
  readonly grouped: GroupedOps;
  readonly plan: PlanBuffers;
  /** For reading back the logits of some rows. */
  readonly forLogits: GpuBuffer;
  /** For reading back the best of one row each. */
  readonly forBest: readonly GpuBuffer[];
  /** Maximum rows of a slice. */
  readonly rows: number;
  readonly bytes: Executor['memoryBytes'];
  /** Bytes of the largest buffer. Those of weights count by the row, because they are split where they must be. */
  readonly largestBuffer: number;
}

/** @throws EngineError OUT_OF_MEMORY with the numbers, BAD_REQUEST for a type of K and V without kernels */
export function allocateModel(
  device: BufferDevice,
  program: Program,
  reader: Pick<WeightReader, 'typeOf'>,
  { cells, kvCacheType, topLogits = TOP_LOGITS, sliceCells }: BufferOptions,
): ModelBuffers {
  const kv = kvLayouts(program, gpuKvType(kvCacheType ?? defaultKvCacheType(program, reader)));
  const fused = fuse(program);
  const wanted = group(program, fused, new Set(), (views) => mayJoin(device, program, reader, views));
  const weights = allocateWeights(device, program, reader, joinedTensors(wanted));
  const grouped = group(program, fused, new Set(), (views) => areJoined(weights, views));
  const rows = Math.min(cells, MAX_ROWS);
  const [cache, scratch] = [new BufferSet(device), new BufferSet(device)];
  const format = runFormat(program);
  const plan: PlanBuffers = {
    ...{ format, weights, kv },
    ...allocateKv(cache, kv, cells),
    run: scratch.storage('run', runBytes(format, rows)),
    contexts: scratch.storage('contexts', contextBytes(cells)),
    activations: allocateActivations(scratch, grouped, rows),
    slices: allocateSlices(scratch, grouped, cells, sliceCells),
    logits: scratch.storage('logits', logitsBytes(program.vocabularySize)),
    topLogits: topBuffer(scratch, program, topLogits),
  };
  const { topLogits: best } = plan;
  const forLogits = scratch.readback('logits', logitsBytes(program.vocabularySize));
  const forBest = Array.from({ length: best ? MOST_IN_FLIGHT : 0 }, () =>
    scratch.readback('best logits', 4 * topWords(best!.k)),
  );
  const placed = [...weights.values()];
  return {
    ...{ grouped, plan, forLogits, forBest, rows },
    bytes: { weights: weightBytesOf(placed), kvCache: cache.bytes, scratch: scratch.bytes },
    largestBuffer: Math.max(cache.largest, scratch.largest, ...placed.map(({ bytesPerRow }) => bytesPerRow)),
  };
}

/** Null if all logits of a row take no more bytes than the best with their ids. */
function topBuffer(set: BufferSet, { vocabularySize }: Program, k: number): TopBuffer | null {
  if (vocabularySize <= topWords(k)) return null;
  return { result: set.storage('best logits', 4 * LOGIT_ROWS * topWords(k)), k, vocabularySize };
}

const refuse = (): never => {
  throw new EngineError('INTERNAL', 'A buffer that is only counted was used.');
};

/** Counts buffers. Without limits, because the largest buffer is part of the result. */
const COUNTING: BufferDevice = {
  limits: { maxBufferSize: Infinity, maxStorageBufferBindingSize: Infinity },
  createBuffer: ({ size }) => ({
    size,
    mapAsync: refuse,
    getMappedRange: refuse,
    unmap: refuse,
    destroy: refuse,
  }),
};

/** Memory that the executor would need, before it is created. */
export function webGpuMemoryOf(
  program: Program,
  reader: Pick<WeightReader, 'typeOf'>,
  options: BufferOptions,
): Omit<GpuMemoryAt, 'contextSize' | 'total'> {
  const { bytes, largestBuffer } = allocateModel(COUNTING, program, reader, options);
  return { ...bytes, largestBuffer };
}
