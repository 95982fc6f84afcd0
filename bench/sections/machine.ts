/** The limits of the machine, and how much of them a token uses. */
import { availableParallelism } from 'node:os';
import type { BenchMachine, MachineCeilings } from '../../src-main/hosts/node/bench/bench-messages.ts';
import { appRuntime, withTokenscope } from '../lib/app-runtime.ts';
import { number, percent, table } from '../lib/markdown.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { FileResult } from './files.ts';

export interface MachineResult {
  readonly machine: BenchMachine;
  readonly ceilings: readonly MachineCeilings[];
}

export async function measureMachine(options: BenchOptions): Promise<MachineResult> {
  options.say('limits of the machine');
  return withTokenscope(await appRuntime(), options.task.processor, async (session) => {
    const ceilings: MachineCeilings[] = [];
    for (const threads of availableParallelism() > 1 ? [1, 2] : [1]) {
      ceilings.push(await session.call('ceilings', { threads }));
    }
    return { machine: await session.call('machine', {}), ceilings };
  });
}

export function formatMachine({ ceilings }: MachineResult, files: readonly FileResult[], context: number): string {
  const rows = ceilings.map(({ threads, readBytesPerSecond, multiplyAddsPerSecond }) => {
    return [String(threads), number(readBytesPerSecond / 1e9), number(multiplyAddsPerSecond / 1e9)];
  });
  const parts = [
    'Limits of this machine: memory reads and 8-bit multiply-adds, in loops that do nothing else.',
    table(['threads', 'read, GB/s', '8-bit, GMAC/s'], rows),
  ];
  const used = files.flatMap(({ type, pairs }) =>
    pairs.flatMap(({ threads, ours }) => {
      const most = ceilings.find((each) => each.threads === threads);
      const { weightBytes } = ours.model;
      const rate = ours.decode.get(context);
      if (most === undefined || weightBytes === null || rate === undefined) return [];
      const read = weightBytes * rate;
      return [[type, String(threads), number(read / 1e9), percent(read / most.readBytesPerSecond)]];
    }),
  );
  if (used.length > 0) {
    parts.push(
      'Each token reads all weights once. So decoding reads memory at this rate, which is this share of the limit:',
    );
    parts.push(table(['file', 'threads', 'GB/s', 'share of limit'], used));
  }
  return parts.join('\n\n');
}
