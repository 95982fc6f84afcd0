import type { Program } from './program.ts';
import { weightBytes } from './weights.ts';

/** The buffers of a program's activations, and the memory it needs, known before anything is loaded. */
export interface MemoryPlan {
  /** Buffer of each activation. Activations with disjoint lifetimes share one. */
  readonly slots: readonly number[];
  /** Float32 values per token of each buffer. */
  readonly slotWidths: readonly number[];
  readonly bytes: { readonly weights: number; readonly kvCache: number; readonly scratch: number };
}

/**
 * @param size.cells capacity of the KV cache in tokens.
 * @param size.rows tokens of the largest batch.
 */
export function planMemory(program: Program, size: { cells: number; rows: number }): MemoryPlan {
  const { slots, slotWidths } = assignSlots(program);
  const kvWidth = program.kvWidths.reduce((sum, width) => sum + 2 * width, 0);
  const scratchWidth = slotWidths.reduce((sum, width) => sum + width, 0);
  return {
    slots,
    slotWidths,
    bytes: {
      weights: weightBytes(program.weights),
      kvCache: 4 * size.cells * kvWidth,
      scratch: 4 * size.rows * scratchWidth,
    },
  };
}

/** What assigning buffers needs to know: who reads and writes which tensor, in order. */
interface Accesses {
  readonly ops: readonly { readonly inputs: readonly number[]; readonly output: number | null }[];
  readonly tensors: readonly { readonly width: number }[];
}

/** Assigns each output the best-fitting free buffer, in program order. */
export function assignSlots(program: Accesses): Pick<MemoryPlan, 'slots' | 'slotWidths'> {
  const lastUse = new Map<number, number>();
  program.ops.forEach((op, step) => op.inputs.forEach((input) => lastUse.set(input, step)));

  const slots: number[] = [];
  const slotWidths: number[] = [];
  const free = new Set<number>();
  program.ops.forEach((op, step) => {
    if (op.output !== null) {
      const { width } = program.tensors[op.output];
      const slot = bestFit([...free], slotWidths, width) ?? slotWidths.push(width) - 1;
      slotWidths[slot] = Math.max(slotWidths[slot], width);
      free.delete(slot);
      slots[op.output] = slot;
      if (!lastUse.has(op.output)) free.add(slot);
    }
    // Only now: an operation never overwrites its inputs.
    for (const input of op.inputs) if (lastUse.get(input) === step) free.add(slots[input]);
  });
  return { slots, slotWidths };
}

/** The narrowest free buffer that is wide enough, else the widest, which is enlarged. */
function bestFit(free: readonly number[], widths: readonly number[], width: number): number | undefined {
  const byWidth = [...free].sort((a, b) => widths[a] - widths[b]);
  return byWidth.find((slot) => widths[slot] >= width) ?? byWidth.at(-1);
}
