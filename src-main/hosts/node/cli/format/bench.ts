import type { KernelChoices } from '../../bench/bench-messages.ts';
import type { BenchReport } from '../../bench/run-bench.ts';
import { formatProfile } from './profile.ts';
import { formatBytes, formatCount, formatMs, plural } from './numbers.ts';
import { formatTable, indent } from './table.ts';

/** One table, and what it was measured on. */
export function formatBench({ result, machine, choices, lanes, profile }: BenchReport): string {
  const rate = (value: number) => value.toFixed(1);
  const { prefill } = result;
  const rows = [
    [`read a prompt of ${plural(prefill.tokens, 'token')}`, rate(prefill.tokensPerSecond)],
    ...result.decode.map(({ context, tokens, tokensPerSecond }) => [
      `write ${plural(tokens, 'token')} after ${formatCount(context)}`,
      rate(tokensPerSecond),
    ]),
    ...lanes.map(({ lanes: count, tokensPerSecond }) => [`write ${count} at once`, rate(tokensPerSecond)]),
  ];
  const kernels = result.kernels === null ? '' : `, kernels ${result.kernels}`;
  return [
    `${result.model}, ${result.executor} executor${kernels}, ${plural(result.threads, 'thread')}`,
    ...(choices === null ? [] : formatChoices(choices)),
    '',
    formatTable([{ title: '' }, { title: 'tokens/s', align: 'right' }], rows),
    '',
    ...(profile === null ? [] : [formatProfile(profile), '']),
    `loaded in ${formatMs(result.loadMs)}, at most ${formatBytes(result.peakBytes)} of memory more than before`,
    `${machine.cpu}, ${plural(machine.cores, 'thread')}, ${formatBytes(machine.memoryBytes)} of memory, ${machine.platform}`,
    `${machine.runtime}, V8 ${machine.v8}`,
  ].join('\n');
}

function formatChoices({ decodeThreads, reason, places }: KernelChoices): string[] {
  return [
    indent(`tokens on ${plural(decodeThreads, 'thread')}: ${reason}`),
    indent(`weights read from ${plural(places.count, 'place')}: ${places.reason}`),
  ];
}
