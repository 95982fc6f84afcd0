import { InvalidArgumentError, Option, type Command } from 'commander';
import { join, resolve } from 'node:path';
import type { ExecutorName } from '../../../../engine/api/types.ts';
import { MAX_THREADS } from '../../../../protocol/engine/schemas.ts';
import { withBenchSession, type BenchRuntime } from '../../bench/bench-programs.ts';
import { runBench, type BenchJob, type BenchReport } from '../../bench/run-bench.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { formatBench } from '../format/bench.ts';
import { findModel } from '../model-argument.ts';
import { parseCount } from '../options/values.ts';

interface BenchOptions {
  runtime: BenchRuntime;
  executor: ExecutorName;
  threads?: number;
  prompt: number;
  generate: number;
  context: number[];
  lanes: number[];
  repeat: number;
  profile?: true;
  json?: true;
}

export function addBenchCommand(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('bench')
    .summary('measure how fast a model runs on this computer')
    .description(
      'Measures prefill, and decoding after a short and a long context. Each number is ' +
        'the median of several runs in a separate process. Close other apps first.',
    )
    .argument('<model>', 'a .gguf file, a folder with config.json and safetensors, or an id')
    .addOption(
      new Option('--runtime <name>', 'run the engine in this Node, or in the app’s Electron without a window')
        .choices(['node', 'electron', 'electron-as-node'])
        .default('node'),
    )
    .addOption(
      new Option('--executor <name>', 'which executor runs the model')
        .choices(['wasm', 'webgpu', 'reference'])
        .default('wasm'),
    )
    .option('--threads <n>', 'threads of the wasm executor (default: the fastest number, measured)', parseThreads)
    .option('--prompt <n>', 'prompt tokens to prefill', parsePositive, 512)
    .option('--generate <n>', 'tokens to decode', parsePositive, 128)
    .option('--context <list>', 'context lengths to decode after', parseList, [16, 2048])
    .option('--lanes <list>', 'also decode this many replies as one batch', parseList, [])
    .option('--repeat <n>', 'runs per measurement', parsePositive, 3)
    .option('--profile', 'also show the time of each operation, on the CPU compared with this machine’s limits')
    .option('--json', 'print one JSON object')
    .action(async (model: string, options: BenchOptions) => {
      const { modelId, modelPaths } = await findModel(context, model);
      const { executor, prompt, generate, lanes, repeat } = options;
      const job: BenchJob = {
        path: resolve(modelPaths[modelId] ?? join(context.modelsDir, modelId)),
        ...{ executor, prompt, generate, lanes, repeat },
        threads: options.threads ?? null,
        contexts: options.context,
        profile: options.profile ?? false,
      };
      const scripts = new URL('./', context.workerUrl);
      const report = await withBenchSession({ runtime: options.runtime, scripts, signal: context.signal }, (session) =>
        runBench(session, job),
      );
      for (const notice of report.notices) await context.err.line(`tokenscope: ${notice}`);
      if (options.json) await context.out.json(jsonOf(report));
      else await context.out.line(formatBench(report));
      done(EXIT.ok);
    });
}

function jsonOf({ result, lanes, profile }: BenchReport): object {
  return { ...result, ...(lanes.length > 0 ? { lanes } : {}), ...(profile === null ? {} : { profile }) };
}

function parsePositive(text: string): number {
  const value = parseCount(text);
  if (value === 0) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return value;
}

function parseThreads(text: string): number {
  const value = parseCount(text);
  if (value === 0 || value > MAX_THREADS)
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${MAX_THREADS}.`);
  return value;
}

/** `16,2048` */
function parseList(text: string): number[] {
  return text.split(',').map((part) => parsePositive(part.trim()));
}
