/** Where threads that run a plan together must wait for each other. */
import * as L from './plan-layout.ts';
import type { PlanOp } from './plan.ts';

/**
 * Marks the operations that read or write what one before them wrote, or write what one before them read, since the
 * threads last met. Buffers are told apart by their addresses: those of a plan never overlap in part.
 */
export function withBarriers(plan: readonly PlanOp[]): PlanOp[] {
  const marked: PlanOp[] = [];
  let read = new Set<number>();
  let written = new Set<number>();
  for (let step = 0; step < plan.length; step++) {
    const pair = (flagsOf(plan[step]) & L.FLAG_PAIR) !== 0;
    // The second of a pair runs part by part with the first and is synchronised with it.
    const group = plan.slice(step, step + (pair ? 2 : 1));
    const reads = group.flatMap(readsOf);
    const writes = group.flatMap(writesOf);
    const waits =
      reads.some((buffer) => written.has(buffer)) || writes.some((buffer) => written.has(buffer) || read.has(buffer));
    if (waits) {
      read = new Set();
      written = new Set();
    }
    for (const buffer of reads) read.add(buffer);
    for (const buffer of writes) written.add(buffer);
    const [first, ...rest] = group;
    marked.push(waits ? new Map(first).set(L.OP_FLAGS, flagsOf(first) | L.FLAG_BARRIER) : first, ...rest);
    if (pair) step++;
  }
  return marked;
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
