/** Compares Tokenscope with node-llama-cpp on the same files. */
import { appRuntime } from '../lib/app-runtime.ts';
import { benchModel, largeModel } from '../lib/bench-models.ts';
import { measureInterleaved, type Contender, type Figures } from '../lib/contenders.ts';
import { type FileGoals, type Goal, GOALS, LARGE_GOALS } from '../lib/goals.ts';
import { against, megabytes, number, percent, table } from '../lib/markdown.ts';
import type { BenchOptions } from '../lib/options.ts';

interface Pair {
  readonly threads: number;
  readonly ours: Figures;
  readonly theirs: Figures;
  /** Ours in a utility process that checks addresses; null if this Electron's does not. */
  readonly checked: Figures | null;
}

export interface FileResult {
  readonly type: string;
  readonly pairs: readonly Pair[];
  readonly goals: FileGoals;
  /** Of the utility process that checks addresses. */
  readonly checkedGoals: FileGoals;
}

interface BenchFile extends Pick<FileResult, 'type' | 'goals' | 'checkedGoals'> {
  readonly path: () => Promise<string>;
}

export async function measureFiles(options: BenchOptions): Promise<FileResult[]> {
  const files = options.files.map((type): BenchFile => {
    return { type, goals: GOALS[type], checkedGoals: GOALS[type], path: () => benchModel(type, options.say) };
  });
  return measurePairs(files, options, options.task);
}

/** Prompts of 128 tokens after which 32 are decoded: the 4B shape takes about half a minute for both. */
export const largeTask = ({ task }: BenchOptions): BenchOptions['task'] => {
  return { ...task, prompt: 128, generate: 32, contexts: [16] };
};

export async function measureLarge(options: BenchOptions): Promise<FileResult[]> {
  const files = options.large.map((type): BenchFile => {
    const { plain: goals, checked: checkedGoals } = LARGE_GOALS[type];
    return { type, goals, checkedGoals, path: () => largeModel(type, options.say) };
  });
  return measurePairs(files, options, largeTask(options));
}

async function measurePairs(
  files: readonly BenchFile[],
  options: BenchOptions,
  task: BenchOptions['task'],
): Promise<FileResult[]> {
  const results: FileResult[] = [];
  const app = await appRuntime();
  const contenders: Contender[] = app === 'electron' ? [app, 'llama.cpp'] : [app, 'llama.cpp', 'electron'];
  for (const { type, goals, checkedGoals, path: write } of files) {
    const path = await write();
    const pairs: Pair[] = [];
    for (const threads of options.threads) {
      const [ours, theirs, checked = null] = await measureInterleaved(contenders, { path, threads, ...task });
      pairs.push({ threads, ours, theirs, checked });
      const also = checked ? `; with checks ${summary(checked)}` : '';
      options.say(
        `${type}, ${threads} thread${threads === 1 ? '' : 's'}: ${summary(ours)} / ${summary(theirs)}${also}`,
      );
    }
    results.push({ type, goals, checkedGoals, pairs });
  }
  return results;
}

/** `prefill 450, decode 120, 60` */
function summary({ prefill, decode }: Figures): string {
  return `prefill ${number(prefill)}, decode ${[...decode.values()].map(number).join(', ')}`;
}

type Read = (figures: Figures) => number;

export function formatFiles(results: readonly FileResult[], task: BenchOptions['task']): string {
  const short = task.contexts[0];
  const long = task.contexts.at(-1) ?? short;
  return [
    'Ratios of tokens per second, Tokenscope / node-llama-cpp; minimum and goal in brackets. “Best” uses each side’s ' +
      'fastest number of threads. Values below the minimum are bold.',
    ratioTable(results, short),
    ...(results.some(({ pairs }) => pairs.some(({ checked }) => checked !== null))
      ? [CHECKED, ratioTable(withChecks(results), short)]
      : []),
    'Tokens per second, Tokenscope / node-llama-cpp.',
    table(
      ['file', 'threads', `prefill ${task.prompt}`, ...task.contexts.map((context) => `decode after ${context}`)],
      results.flatMap(({ type, pairs }) =>
        pairs.map(({ threads, ours, theirs }) => {
          const both = (read: Read) => `${number(read(ours))} / ${number(read(theirs))}`;
          const decode = task.contexts.map((context) => both(({ decode }) => decode.get(context) ?? NaN));
          return [type, String(threads), both(({ prefill }) => prefill), ...decode];
        }),
      ),
    ),
    long === short
      ? 'Tokenscope’s speedup from a second thread.'
      : `Tokenscope’s speedup from a second thread, and the share of its decode speed that each side keeps after ${long} tokens.`,
    scalingTable(results, short, long),
    'Load time in ms and peak memory in MB (Tokenscope / node-llama-cpp). The limit for Tokenscope is 1.3 x file + KV cache.',
    table(['file', 'threads', 'load', 'memory', 'limit'], results.flatMap(memoryRows)),
  ].join('\n\n');
}

const CHECKED =
  'Above, Tokenscope ran in Electron’s binary as Node. The Electron available here is older than the app’s: its utility ' +
  'processes check every memory address, which also keeps V8 from widening vectors. The same in a utility process:';

function withChecks(results: readonly FileResult[]): FileResult[] {
  return results.map(({ pairs, checkedGoals, ...result }) => ({
    ...result,
    goals: checkedGoals,
    checkedGoals,
    pairs: pairs.map((pair) => ({ ...pair, ours: pair.checked ?? pair.ours })),
  }));
}

function ratioTable(results: readonly FileResult[], context: number): string {
  const decode: Read = (figures) => figures.decode.get(context) ?? NaN;
  const head = ['file', 'decode, best / best', 'decode, 1 thread', 'prefill, 1 thread', 'prefill, 2 threads'];
  const rows = results.map(({ type, pairs, goals }) => {
    const best = (side: 'ours' | 'theirs') => Math.max(...pairs.map((pair) => decode(pair[side])));
    const ratio = (threads: number, read: Read) => {
      const pair = pairs.find((each) => each.threads === threads);
      return pair ? read(pair.ours) / read(pair.theirs) : null;
    };
    const cell = (value: number | null, goal: Goal | null) => {
      if (value === null) return '';
      return goal === null ? number(value) : against(value, goal);
    };
    return [
      type,
      against(best('ours') / best('theirs'), goals.decodeBest),
      cell(ratio(1, decode), goals.decodeAlone),
      cell(
        ratio(1, ({ prefill }) => prefill),
        goals.prefill,
      ),
      cell(
        ratio(2, ({ prefill }) => prefill),
        goals.prefill,
      ),
    ];
  });
  return table(head, rows);
}

function scalingTable(results: readonly FileResult[], short: number, long: number): string {
  const columns = ['file', 'prefill, 2 threads / 1', 'decode, 2 threads / 1', 'kept, 1 thread', 'kept, 2 threads'];
  const shown = long === short ? 3 : columns.length;
  const rows = results.map((result) => scalingRow(result, short, long).slice(0, shown));
  return table(columns.slice(0, shown), rows);
}

function scalingRow({ type, pairs }: FileResult, short: number, long: number): string[] {
  const [one, two] = [1, 2].map((threads) => pairs.find((pair) => pair.threads === threads));
  const gain = (read: Read) => (one && two ? number(read(two.ours) / read(one.ours)) : '');
  const kept = ({ decode }: Figures) => percent((decode.get(long) ?? NaN) / (decode.get(short) ?? NaN));
  const both = (pair: Pair | undefined) => (pair ? `${kept(pair.ours)} / ${kept(pair.theirs)}` : '');
  return [type, gain(({ prefill }) => prefill), gain(({ decode }) => decode.get(short) ?? NaN), both(one), both(two)];
}

function memoryRows({ type, pairs }: FileResult): string[][] {
  return pairs.map(({ threads, ours, theirs }) => {
    const bound = 1.3 * ours.model.fileBytes + (ours.model.kvBytes ?? 0);
    const memory = megabytes(ours.peakBytes);
    return [
      type,
      String(threads),
      `${number(ours.model.loadMs)} / ${number(theirs.model.loadMs)}`,
      `${ours.peakBytes <= bound ? memory : `**${memory}**`} / ${megabytes(theirs.peakBytes)}`,
      megabytes(bound),
    ];
  });
}
