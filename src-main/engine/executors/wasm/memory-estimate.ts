import { EngineError } from '../../api/errors.ts';
import type { Program } from '../../program/program.ts';
import type { WeightReader } from '../../program/weights.ts';
import { allocateBuffers, type BufferSizes } from './buffers.ts';
import { fuse } from '../fusion.ts';
import { MAX_MEMORY_BYTES, MemoryCount } from './kernel-memory.ts';
import { OP_BYTES, POOL_BYTES } from './plan-layout.ts';
import { lower, lowerLogits, NO_TAPS } from './plan.ts';
import { runBytes } from './run-inputs.ts';
import { placeWeights } from './weights.ts';

export interface WasmMemory {
  readonly weights: number;
  readonly kvCache: number;
  /** Activations, logits, the plan, and the scratch memory of a run over the whole context. */
  readonly scratch: number;
}

/** Computes what the executor will allocate, with the same code in a memory that only counts. */
export function wasmMemory(
  program: Program,
  weights: Pick<WeightReader, 'typeOf'>,
  size: BufferSizes,
  threads: number,
): WasmMemory {
  const memory = new MemoryCount();
  // Only IQ4 would take more, on machines where 8-bit codes are not exact.
  const { packed } = placeWeights(program, weights, memory, { codes: 'unsigned', sums: 'i32' });
  const fused = fuse(program);
  const buffers = allocateBuffers(program, fused, packed, memory, size);
  memory.allocate(POOL_BYTES);
  memory.allocate(lower(program, fused, buffers.plan, NO_TAPS).length * OP_BYTES);
  memory.allocate(lowerLogits(program, buffers.plan).length * OP_BYTES);
  const { weights: weightBytes, kvCache } = buffers.bytes;
  const scratch = memory.allocated - weightBytes - kvCache + runBytes(buffers, size.cells, threads);
  return { weights: weightBytes, kvCache, scratch };
}

/** @throws EngineError OUT_OF_MEMORY, with the numbers, when it does not fit in the 32-bit address space */
export function checkAddressable({ weights, kvCache, scratch }: WasmMemory, cells: number): void {
  const bytes = weights + kvCache + scratch;
  if (bytes <= MAX_MEMORY_BYTES) return;
  const fitting = Math.floor(((MAX_MEMORY_BYTES - weights - scratch) / kvCache) * cells);
  const advice =
    fitting >= 1
      ? `Load it with a context of at most ${fitting} tokens`
      : 'Choose a smaller model, or one with fewer bits per weight';
  throw new EngineError(
    'OUT_OF_MEMORY',
    `The model needs ${gigabytes(bytes)} for a context of ${cells} tokens: ${gigabytes(weights)} for weights, ` +
      `${gigabytes(kvCache)} for the KV cache, ${gigabytes(scratch)} for computation. The CPU kernels can address ` +
      `${gigabytes(MAX_MEMORY_BYTES)}. ${advice}, or use the reference executor if this computer has the memory.`,
    { bytes, limit: MAX_MEMORY_BYTES, weights, kvCache, scratch, contextSize: cells },
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
