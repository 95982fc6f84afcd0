import type { OpProfile } from '../api/types.ts';

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
