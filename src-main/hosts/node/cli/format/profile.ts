import type { OpProfile, RunProfile } from '../../../../engine/api/types.ts';
import type { MachineCeilings } from '../../bench/bench-messages.ts';
import type { BenchProfile } from '../../bench/run-bench.ts';
import { plural } from './numbers.ts';
import { type Column, formatTable, indent } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'operation' },
  { title: 'calls', align: 'right' },
  { title: 'ms', align: 'right' },
  { title: 'share', align: 'right' },
  { title: 'waits, ms', align: 'right' },
  { title: 'GB/s', align: 'right' },
  { title: 'GMAC/s', align: 'right' },
  { title: 'of limit', align: 'right' },
];

/** Formats the profiles of prefill and decoding. */
export function formatProfile({ prefill, decode, ceilings }: BenchProfile): string {
  const most = ({ threads }: RunProfile) => ceilings.find((each) => each.threads === threads);
  return [
    `prefill of ${plural(prefill.tokens, 'token')}, ${timeOf(prefill)}`,
    indent(formatRun(prefill, most(prefill))),
    '',
    `decoding ${plural(decode.tokens, 'token')}, ${timeOf(decode)}`,
    indent(formatRun(decode, most(decode))),
    '',
    ...ceilings.map(({ threads, readBytesPerSecond, multiplyAddsPerSecond }) => {
      const [read, multiply] = [readBytesPerSecond, multiplyAddsPerSecond].map((rate) => (rate / 1e9).toFixed(1));
      return `machine limits on ${plural(threads, 'thread')}: ${read} GB/s from memory, ${multiply} GMAC/s (8-bit) from the cache`;
    }),
  ].join('\n');
}

function timeOf({ ms, threads }: RunProfile): string {
  return `${ms.toFixed(1)} ms on ${plural(threads, 'thread')}`;
}

function formatRun(run: RunProfile, most: MachineCeilings | undefined): string {
  const measured = run.ops.reduce((sum, { ms, waitMs }) => sum + ms + waitMs, 0);
  const rows = run.ops.map((op) => rowOf(op, run, most));
  const rest = Math.max(0, run.ms - measured);
  // The time between operations: entering and leaving the plan, and the profiling itself.
  rows.push(['overhead', '', rest.toFixed(2), share(rest / run.ms), '', '', '', '']);
  return formatTable(COLUMNS, rows);
}

function rowOf(
  { name, calls, ms, waitMs, bytes, multiplyAdds }: OpProfile,
  run: RunProfile,
  most?: MachineCeilings,
): string[] {
  // The threads work while the engine's own computes and waits.
  const seconds = (ms + waitMs) / 1000;
  const [read, multiplied] = [bytes / seconds, multiplyAdds / seconds];
  const used = most ? Math.max(read / most.readBytesPerSecond, multiplied / most.multiplyAddsPerSecond) : 0;
  const rate = (value: number) => (value > 0 ? (value / 1e9).toFixed(1) : '');
  return [
    name,
    String(calls),
    ms.toFixed(2),
    share((ms + waitMs) / run.ms),
    waitMs.toFixed(2),
    rate(read),
    rate(multiplied),
    used > 0 ? share(used) : '',
  ];
}

function share(value: number): string {
  return `${(100 * value).toFixed(0)} %`;
}
