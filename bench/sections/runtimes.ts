/** The same engine in each host. */
import { benchModel } from '../lib/bench-models.ts';
import { measureInterleaved, type Contender, type Figures } from '../lib/contenders.ts';
import { number, table } from '../lib/markdown.ts';
import type { BenchOptions } from '../lib/options.ts';

const HOSTS: readonly { readonly contender: Contender; readonly name: string }[] = [
  { contender: 'electron', name: 'utility process' },
  { contender: 'electron-as-node', name: 'the same binary as Node' },
  { contender: 'browser', name: 'browser' },
  { contender: 'node', name: 'Node' },
];

export interface RuntimesResult {
  readonly threads: number;
  /** In the order of `HOSTS`. */
  readonly figures: readonly Figures[];
}

export async function measureRuntimes(options: BenchOptions): Promise<RuntimesResult[]> {
  const path = await benchModel('Q4_1', options.say);
  const results: RuntimesResult[] = [];
  for (const threads of options.threads) {
    options.say(`hosts, ${threads} thread${threads === 1 ? '' : 's'}`);
    const task = { ...options.task, path, threads, contexts: [16] };
    const contenders = HOSTS.map(({ contender }) => contender);
    results.push({ threads, figures: await measureInterleaved(contenders, task) });
  }
  return results;
}

export function formatRuntimes(results: readonly RuntimesResult[], { task }: BenchOptions): string {
  const rows = results.flatMap(({ threads, figures }) => {
    const [app] = figures;
    return figures.map((each, i) => {
      const both = (read: (figures: Figures) => number) => `${number(read(each))} (${number(read(each) / read(app))})`;
      return [
        HOSTS[i].name,
        String(threads),
        both(({ prefill }) => prefill),
        both(({ decode }) => decode.get(16) ?? NaN),
      ];
    });
  });
  return [
    'SmolLM2 Q4_1 in each host, interleaved: tokens per second, with the ratio to the app in brackets.',
    table(['host', 'threads', `prefill ${task.prompt}`, 'decode after 16'], rows),
  ].join('\n\n');
}
