import type { OpProfile, RunProfile } from '../../../../engine/api/types.ts';
import type { MachineCeilings } from '../../bench/bench-messages.ts';
import type { BenchProfile } from '../../bench/run-bench.ts';
import { formatCount } from './numbers.ts';
import { type Column, formatTable, indent } from './table.ts';

interface Row {
  readonly op: Pick<OpProfile, 'name' | 'ms' | 'waitMs'> & Partial<OpProfile>;
  readonly run: RunProfile;
  /** Null on a GPU, whose limits are not measured. */
  readonly most: MachineCeilings | null;
}

type ProfileColumn = Column & { of(row: Row): string };

const TIMES: readonly ProfileColumn[] = [
  { title: 'operation', of: ({ op }) => op.name },
  { title: 'calls', align: 'right', of: ({ op }) => (op.calls === undefined ? '' : String(op.calls)) },
  { title: 'ms', align: 'right', of: ({ op }) => op.ms.toFixed(2) },
  { title: 'share', align: 'right', of: ({ op, run }) => share((op.ms + op.waitMs) / run.ms) },
];
const RATES: readonly ProfileColumn[] = [
  { title: 'GB/s', align: 'right', of: (row) => rate(perSecond(row).read) },
  { title: 'GMAC/s', align: 'right', of: (row) => rate(perSecond(row).multiplied) },
];
const WAITS: ProfileColumn = {
  title: 'waits, ms',
  align: 'right',
  of: ({ op }) => (op.calls === undefined ? '' : op.waitMs.toFixed(2)),
};
const LIMIT: ProfileColumn = { title: 'of limit', align: 'right', of: shareOfLimit };

/** Waits and limits are those of threads. */
const COLUMNS = { cpu: [...TIMES, WAITS, ...RATES, LIMIT], gpu: [...TIMES, ...RATES] };

/** Formats the profiles of prefill and decoding. */
export function formatProfile({ prefill, decode, ceilings }: BenchProfile): string {
  const most = ({ threads }: RunProfile) => ceilings.find((each) => each.threads === threads) ?? null;
  const limits = ceilings.map(({ threads, readBytesPerSecond, multiplyAddsPerSecond }) => {
    const [read, multiply] = [readBytesPerSecond, multiplyAddsPerSecond].map((each) => (each / 1e9).toFixed(1));
    return `machine limits on ${formatCount(threads, 'thread')}: ${read} GB/s from memory, ${multiply} GMAC/s (8-bit) from the cache`;
  });
  return [
    `prefill of ${formatCount(prefill.tokens, 'token')}, ${timeOf(prefill)}`,
    indent(formatRun(prefill, most(prefill))),
    '',
    `decoding ${formatCount(decode.tokens, 'token')}, ${timeOf(decode)}`,
    indent(formatRun(decode, most(decode))),
    ...(limits.length > 0 ? ['', ...limits] : []),
  ].join('\n');
}

function timeOf({ ms, threads }: RunProfile): string {
  return `${ms.toFixed(1)} ms on ${threads === null ? 'the GPU' : formatCount(threads, 'thread')}`;
}

function formatRun(run: RunProfile, most: MachineCeilings | null): string {
  const columns = run.threads === null ? COLUMNS.gpu : COLUMNS.cpu;
  const measured = run.ops.reduce((sum, { ms, waitMs }) => sum + ms + waitMs, 0);
  // The time between operations: entering and leaving the plan, and the profiling itself.
  const rest = { name: 'overhead', ms: Math.max(0, run.ms - measured), waitMs: 0 };
  return formatTable(
    columns,
    [...run.ops, rest].map((op) => columns.map(({ of }) => of({ op, run, most }))),
  );
}

/** Bytes and multiply-adds. */
function perSecond({ op: { ms, waitMs, bytes = 0, multiplyAdds = 0 } }: Row): { read: number; multiplied: number } {
  // The threads work while the engine's own computes and waits.
  const seconds = (ms + waitMs) / 1000;
  return seconds > 0 ? { read: bytes / seconds, multiplied: multiplyAdds / seconds } : { read: 0, multiplied: 0 };
}

function shareOfLimit(row: Row): string {
  const { read, multiplied } = perSecond(row);
  const { most } = row;
  const used = most ? Math.max(read / most.readBytesPerSecond, multiplied / most.multiplyAddsPerSecond) : 0;
  return used > 0 ? share(used) : '';
}

function rate(value: number): string {
  return value > 0 ? (value / 1e9).toFixed(1) : '';
}

function share(value: number): string {
  return `${(100 * value).toFixed(0)} %`;
}
