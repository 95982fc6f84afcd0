import { EngineError } from '../../api/errors.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { bytesText } from '../bytes-text.ts';
import { fuse } from '../fusion.ts';
import { allocateBuffers, type BufferSizes, kvBytes } from './buffers.ts';
import { align, MAX_MEMORY_BYTES, MemoryCount } from './kernel-memory.ts';
import { inOneMemory, layersIn, type Placement, placeInSeveral } from './placement.ts';
import { OP_BYTES, POOL_BYTES } from './plan-layout.ts';
import { NO_TAPS } from './plan.ts';
import { runBytes } from './run-inputs.ts';
import { lowerStages, stagesOf } from './stages.ts';
import type { DotKind, DotTraits } from './weight-layouts.ts';
import { packedSizes, placeWeights } from './weights.ts';

export interface WasmMemory {
  readonly weights: number;
  readonly kvCache: number;
  /** Activations, logits, the plan, and the scratch memory of a run over the whole context. */
  readonly scratch: number;
}

/** Which memory has what, and how large each becomes. */
export interface MemoryLayout {
  /** Null if a layer is larger than a memory; `memories` is then one that has everything. */
  readonly placement: Placement | null;
  readonly memories: readonly WasmMemory[];
  /** Bytes per memory. */
  readonly limit: number;
}

/** Most that a model takes of a memory when it is loaded. The cells of lanes need some later. */
const FILLED_BYTES = (7 / 8) * MAX_MEMORY_BYTES;

/**
 * Places a model in as few memories as possible.
 * @param codes decide how IQ4 weights are stored
 * @param limit bytes per memory
 */
export function layOut(
  program: Program,
  weights: Pick<WeightReader, 'typeOf'>,
  size: BufferSizes,
  threads: number,
  codes: DotKind,
  limit = FILLED_BYTES,
): MemoryLayout {
  // The width of sums does not change sizes.
  const dot: DotTraits = { codes, sums: 'i32' };
  const together = inOneMemory(program);
  const [whole] = measure(program, weights, together, size, threads, dot);
  if (bytesOf(whole) <= limit) return { placement: together, memories: [whole], limit };
  const layers = kvBytes(program, size.cells, size.kvCacheType).map((bytes) => 2 * align(bytes));
  const sizes = { weights: packedSizes(program, weights, dot), layers };
  // The scratch memory of the whole model is enough for any part of it.
  const placement = placeInSeveral(program, sizes, limit - whole.scratch - new MemoryCount().allocated);
  const memories = placement === null ? [whole] : measure(program, weights, placement, size, threads, dot);
  return { placement, memories, limit };
}

/** Computes what the executor will allocate, with the same code in memories that only count. */
function measure(
  program: Program,
  weights: Pick<WeightReader, 'typeOf'>,
  placement: Placement,
  size: BufferSizes,
  threads: number,
  dot: DotTraits,
): WasmMemory[] {
  const counts = Array.from({ length: placement.memories }, () => new MemoryCount());
  const { packed } = placeWeights(program, weights, counts, placement, dot);
  const fused = fuse(program);
  const buffers = counts.map((memory, part) =>
    allocateBuffers(program, fused, packed[part], layersIn(placement, part), memory, size),
  );
  for (const memory of counts) memory.allocate(POOL_BYTES);
  const plans = buffers.map(({ plan }) => plan);
  const { main, logits } = lowerStages(program, stagesOf(fused, placement), plans, NO_TAPS);
  for (const { part, ops } of [...main, ...(logits ? [logits] : [])]) counts[part].allocate(ops.length * OP_BYTES);
  return buffers.map((ofPart, part) => {
    const { weights: weightBytes, kvCache } = ofPart.bytes;
    const scratch = counts[part].allocated - weightBytes - kvCache + runBytes(ofPart, size.cells, threads);
    return { weights: weightBytes, kvCache, scratch };
  });
}

export function bytesOf({ weights, kvCache, scratch }: WasmMemory): number {
  return weights + kvCache + scratch;
}

/** All memories of a model together. */
export function sumOf(memories: readonly WasmMemory[]): WasmMemory {
  const sum = (of: (memory: WasmMemory) => number) => memories.reduce((total, memory) => total + of(memory), 0);
  return { weights: sum((m) => m.weights), kvCache: sum((m) => m.kvCache), scratch: sum((m) => m.scratch) };
}

/**
 * @param available bytes of memory that this computer has
 * @returns the placement
 * @throws EngineError OUT_OF_MEMORY, with the numbers and what would fit
 */
export function checkFits({ placement, memories, limit }: MemoryLayout, cells: number, available: number): Placement {
  const needed = sumOf(memories);
  const { weights, kvCache, scratch } = needed;
  if (bytesOf(needed) > available) {
    const fitting = Math.floor(((available - weights - scratch) / kvCache) * cells);
    const advice =
      fitting >= 1
        ? `Load it with a context of at most ${fitting} tokens`
        : 'Choose a smaller model, or one with fewer bits per weight';
    throw outOfMemory(needed, cells, available, `This computer has ${bytesText(available)}. ${advice}.`);
  }
  if (placement !== null) return placement;
  const reason = `One of its layers does not fit in a WebAssembly memory, which holds ${bytesText(limit)}.`;
  const advice = 'Load it with a smaller context, or choose a model with fewer bits per weight.';
  throw outOfMemory(needed, cells, limit, `${reason} ${advice}`);
}

function outOfMemory(needed: WasmMemory, cells: number, limit: number, reason: string): EngineError {
  const { weights, kvCache, scratch } = needed;
  return new EngineError(
    'OUT_OF_MEMORY',
    `The model needs ${bytesText(bytesOf(needed))} for a context of ${cells} tokens: ${bytesText(weights)} for ` +
      `weights, ${bytesText(kvCache)} for the KV cache, ${bytesText(scratch)} for computation. ${reason}`,
    { bytes: bytesOf(needed), limit, weights, kvCache, scratch, contextSize: cells },
  );
}
