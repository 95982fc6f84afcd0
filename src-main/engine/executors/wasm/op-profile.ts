/** Computes what operations of a plan read and multiply, and how long they took. */
import type { OpProfile } from '../../api/types.ts';
import { KV_STORAGE, paddedHead } from './kv-storage.ts';
import * as L from './plan-layout.ts';
import type { PlanMemory, PlanOp } from './plan.ts';
import type { PackedWeight } from './weights.ts';

const NAMES: Readonly<Record<number, string>> = {
  [L.LINEAR]: 'linear',
  [L.QUANTIZE]: 'quantise',
  [L.EMBED]: 'embed',
  [L.LAYER_NORM]: 'layer norm',
  [L.RMS_NORM]: 'RMS norm',
  [L.ROPE]: 'rope',
  [L.UNARY]: 'unary',
  [L.BINARY]: 'binary',
  [L.CACHE_WRITE]: 'cache write',
  [L.ATTENTION]: 'attention',
  [L.ATTENTION_MERGE]: 'attention merge',
  [L.LOGIT_SUMS]: 'logit sums',
  [L.GATHER]: 'gather',
  [L.COPY]: 'copy',
};

/** Attended entries of a run's rows, by attention window (the index in the operations). */
export interface AttendedEntries {
  /** Entries that all rows attend to, summed. */
  readonly byRows: readonly number[];
  /** Entries of the K and V storage that are read once for all rows of a sequence. */
  readonly read: readonly number[];
}

/** Times and sizes of one run, one entry per operation of the plan, in its order. */
export function profileOps(
  plan: readonly PlanOp[],
  memory: PlanMemory,
  rows: number,
  attended: AttendedEntries,
  times: Float64Array,
): OpProfile[] {
  const weights = new Map([...memory.weights.values()].map((weight) => [weight.at, weight]));
  return plan.map((op, step) => {
    const work = op.get(L.OP_CODE) === L.ATTENTION ? attentionWork(op, attended) : linearWork(op, weights, rows);
    return { ...work, calls: 1, ms: times[2 * step], waitMs: times[2 * step + 1] };
  });
}

type Work = Pick<OpProfile, 'name' | 'bytes' | 'multiplyAdds'>;

function linearWork(op: PlanOp, weights: ReadonlyMap<number, PackedWeight>, rows: number): Work {
  const name = NAMES[op.get(L.OP_CODE) ?? 0] ?? 'other';
  const weight = weights.get(op.get(L.OP_WEIGHT) ?? 0);
  if (op.get(L.OP_CODE) !== L.LINEAR || !weight?.layout) return { name, bytes: 0, multiplyAdds: 0 };
  const outputs = op.get(L.OP_OUTPUTS) ?? 0;
  return {
    name: `${name} ${weight.layout.name} ${weight.width} x ${outputs}`,
    bytes: Math.ceil(outputs / 8) * 8 * weight.layout.bytes(weight.width),
    multiplyAdds: rows * outputs * weight.width,
  };
}

function attentionWork(op: PlanOp, { byRows, read }: AttendedEntries): Work {
  const [window, headDim] = [op.get(L.OP_STARTS) ?? 0, op.get(L.OP_HEAD_DIM) ?? 0];
  const storage = Object.values(KV_STORAGE).find(({ layout }) => layout === op.get(L.OP_LAYOUT));
  const bytesPerEntry = 2 * (op.get(L.OP_KV_HEADS) ?? 0) * (storage?.bytes(paddedHead(headDim)) ?? 0);
  return {
    name: window === 0 ? 'attention' : 'sliding-window attention',
    bytes: read[window] * bytesPerEntry,
    multiplyAdds: 2 * byRows[window] * (op.get(L.OP_HEADS) ?? 0) * headDim,
  };
}

/** Sums up operations of the same name, slowest first. */
export function sumUp(ops: readonly OpProfile[]): OpProfile[] {
  const byName = new Map<string, OpProfile>();
  for (const op of ops) {
    const sum = byName.get(op.name) ?? { name: op.name, calls: 0, ms: 0, waitMs: 0, bytes: 0, multiplyAdds: 0 };
    byName.set(op.name, sum);
    for (const key of ['calls', 'ms', 'waitMs', 'bytes', 'multiplyAdds'] as const) sum[key] += op[key];
  }
  return [...byName.values()].sort((a, b) => b.ms + b.waitMs - (a.ms + a.waitMs));
}
