/** Determines where threads that run a plan together must wait for each other. */
import * as L from './plan-layout.ts';
import type { PlanOp } from './plan.ts';

/** Operations whose output row depends on the same row of their inputs only. */
const ROW_BY_ROW: ReadonlySet<number> = new Set([
  ...[L.QUANTIZE, L.EMBED, L.LAYER_NORM, L.RMS_NORM, L.ROPE, L.UNARY, L.BINARY],
  ...[L.CACHE_WRITE, L.COPY, L.ATTENTION_MERGE],
]);

/** Lets consecutive row-by-row operations share their chunks: a thread takes some rows through all of them. */
export function withChains(plan: readonly PlanOp[]): PlanOp[] {
  const chained: PlanOp[] = [];
  /** Bytes per row of each buffer that the current chain touches. */
  let strides = new Map<number, number>();
  plan.forEach((op, step) => {
    const touched = rowsOf(op);
    const before = chained.at(-1);
    const joins =
      before !== undefined &&
      isRowByRow(plan[step - 1]) &&
      isRowByRow(op) &&
      flagsOf(op) === flagsOf(plan[step - 1]) &&
      // Rows of another stride would overlap other rows.
      touched.every(([buffer, stride]) => (strides.get(buffer) ?? stride) === stride);
    if (joins) chained[chained.length - 1] = new Map(before).set(L.OP_FLAGS, flagsOf(before) | L.FLAG_CHAIN);
    else strides = new Map();
    for (const [buffer, stride] of touched) strides.set(buffer, stride);
    chained.push(op);
  });
  return chained;
}

/**
 * Marks operations that, since the last barrier, read or write what an earlier one wrote, or write what an earlier one
 * read. Buffers are identified by address: those of a plan never overlap partially.
 */
export function withBarriers(plan: readonly PlanOp[]): PlanOp[] {
  const marked: PlanOp[] = [];
  let read = new Set<number>();
  let written = new Set<number>();
  for (let step = 0; step < plan.length;) {
    // A chain runs as one and is synchronised at its first operation.
    let end = step + 1;
    while (flagsOf(plan[end - 1]) & L.FLAG_CHAIN) end++;
    const chain = plan.slice(step, end);
    const reads = chain.flatMap(readsOf);
    const writes = chain.flatMap(writesOf);
    const waits =
      reads.some((buffer) => written.has(buffer)) || writes.some((buffer) => written.has(buffer) || read.has(buffer));
    if (waits) {
      read = new Set();
      written = new Set();
    }
    for (const buffer of reads) read.add(buffer);
    for (const buffer of writes) written.add(buffer);
    const [first, ...rest] = chain;
    marked.push(waits ? new Map(first).set(L.OP_FLAGS, flagsOf(first) | L.FLAG_BARRIER) : first, ...rest);
    step = end;
  }
  return marked;
}

function isRowByRow(op: PlanOp): boolean {
  return ROW_BY_ROW.has(op.get(L.OP_CODE) ?? 0);
}

/** Buffers of rows with their bytes per row. */
function rowsOf(op: PlanOp): [buffer: number, stride: number][] {
  const fields = [
    [L.OP_X, L.OP_X_STRIDE],
    [L.OP_X2, L.OP_X2_STRIDE],
    [L.OP_Y, L.OP_Y_STRIDE],
  ];
  return fields.flatMap(([buffer, stride]) => (op.get(buffer) ? [[op.get(buffer)!, op.get(stride) ?? 0]] : []));
}

function flagsOf(op: PlanOp): number {
  return op.get(L.OP_FLAGS) ?? 0;
}

function readsOf(op: PlanOp): number[] {
  const storage = op.get(L.OP_CODE) === L.ATTENTION ? [L.OP_KEYS, L.OP_VALUES] : [];
  return addresses(op, [L.OP_X, L.OP_X2, L.OP_OPERAND, ...storage]);
}

function writesOf(op: PlanOp): number[] {
  const storage = op.get(L.OP_CODE) === L.CACHE_WRITE ? [L.OP_KEYS, L.OP_VALUES] : [];
  return addresses(op, [L.OP_Y, ...storage]);
}

function addresses(op: PlanOp, fields: readonly number[]): number[] {
  return fields.map((field) => op.get(field) ?? 0).filter((address) => address !== 0);
}
