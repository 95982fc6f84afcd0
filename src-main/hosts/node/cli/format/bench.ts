import type { KernelChoices } from '../../bench/bench-messages.ts';
import type { BenchReport } from '../../bench/run-bench.ts';
import { formatProfile } from './profile.ts';
import { formatBytes, formatCount, formatInteger, formatMs } from './numbers.ts';
import { formatTable, indent } from './table.ts';

/** Formats the result and the machine as a table. */
export function formatBench({ result, machine, choices, adapter, lanes, profile }: BenchReport): string {
  const rate = (value: number) => value.toFixed(1);
  const { prefill } = result;
  const rows = [
    [`prefill ${formatCount(prefill.tokens, 'token')}`, rate(prefill.tokensPerSecond)],
    ...result.decode.map(({ context, tokens, tokensPerSecond }) => [
      `decode ${formatCount(tokens, 'token')} after ${formatInteger(context)}`,
      rate(tokensPerSecond),
    ]),
    ...lanes.map(({ lanes: count, tokensPerSecond }) => [`decode ${count} lanes`, rate(tokensPerSecond)]),
  ];
  const kernels = result.kernels === null ? '' : `, kernels ${result.kernels}`;
  const where = adapter ? ` on ${adapter.name}` : `${kernels}, ${formatCount(result.threads, 'thread')}`;
  return [
    `${result.model}, ${result.executor} executor${where}`,
    ...(choices === null ? [] : formatChoices(choices)),
    '',
    formatTable([{ title: '' }, { title: 'tokens/s', align: 'right' }], rows),
    '',
    ...(profile === null ? [] : [formatProfile(profile), '']),
    `loaded in ${formatMs(result.loadMs)}, peak memory ${formatBytes(result.peakBytes)}`,
    `${machine.cpu}, ${formatCount(machine.cores, 'thread')}, ${formatBytes(machine.memoryBytes)} RAM, ${machine.platform}`,
    `${machine.runtime}, V8 ${machine.v8}`,
  ].join('\n');
}

function formatChoices({ decodeThreads, reason, streams }: KernelChoices): string[] {
  return [
    indent(`decode on ${formatCount(decodeThreads, 'thread')}: ${reason}`),
    indent(`weights read in ${formatCount(streams.count, 'stream')}: ${streams.reason}`),
  ];
}
