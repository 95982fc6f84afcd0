/** What a dispatch is called in profiles, and what it reads and multiplies. */
import type { AttentionAttributes } from '../../program/ops.ts';
import type { GpuOp } from './grouping.ts';
import { cellBytes, type KvLayout } from './kv-storage.ts';
import type { LinearShape } from './ops/linear.ts';

/** Entries of K and V that a run's rows attend to in a window. */
export interface AttendedCells {
  /** Of all rows, summed. */
  readonly byRows: number;
  /** Each entry of a sequence counts once. */
  readonly read: number;
}

/** As in `OpProfile`. */
export interface DispatchWork {
  readonly name: string;
  bytes(run: RunSize): number;
  multiplyAdds(run: RunSize): number;
}

export interface RunSize {
  readonly rows: number;
  attended(window: number | null): AttendedCells;
}

export function linearWork({ layout, inputs, outputs, gated }: LinearShape, bytesPerRow: number): DispatchWork {
  const matrixRows = gated ? 2 * outputs : outputs;
  return {
    name: `linear ${layout.name} ${inputs} x ${matrixRows}`,
    bytes: () => matrixRows * bytesPerRow,
    multiplyAdds: ({ rows }) => rows * matrixRows * inputs,
  };
}

export function attentionWork({ heads, headDim, window }: AttentionAttributes, layout: KvLayout): DispatchWork {
  return {
    name: window === null ? 'attention' : 'sliding-window attention',
    bytes: ({ attended }) => 2 * attended(window).read * cellBytes(layout),
    multiplyAdds: ({ attended }) => 2 * attended(window).byRows * heads * headDim,
  };
}

/** One that reads neither matrices nor the cache. */
export function otherWork(name: string): DispatchWork {
  return { name, bytes: () => 0, multiplyAdds: () => 0 };
}

/** Names as in profiles of the CPU. */
export function nameForProfile(op: GpuOp): string {
  if (op.kind === 'projection') return 'linear';
  if (op.kind === 'single') {
    const names: Readonly<Record<string, string>> = {
      ...{ layerNorm: 'layer norm', rmsNorm: 'RMS norm', cacheWrite: 'cache write', zeroHeads: 'zero heads' },
    };
    return names[op.op.op] ?? op.op.op;
  }
  const { norms, rope } = op;
  return [...(norms.q || norms.k ? ['RMS norm'] : []), ...(rope ? ['rope'] : []), 'cache write'].join(', ');
}
