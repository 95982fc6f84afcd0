/** Measures Tokenscope beside node-llama-cpp and writes what it found into docs/performance.md: see `USAGE`. */
import { availableParallelism, loadavg } from 'node:os';
import { ensureBuilt } from '../scripts/ensure-built.mjs';
import { writeDocument } from './lib/document.ts';
import { installNodeLlamaCpp } from './lib/node-llama-cpp.ts';
import { PROCESSORS } from './lib/processors.ts';
import { readOptions, USAGE, type BenchOptions, type Part } from './lib/options.ts';
import { formatFiles, largeTask, measureFiles, measureLarge } from './sections/files.ts';
import { formatGpu, measureGpu } from './sections/gpu.ts';
import { formatLanes, measureLanesAndTiny } from './sections/lanes.ts';
import { formatMachine, measureMachine, type MachineResult } from './sections/machine.ts';
import { formatRuntimes, measureRuntimes } from './sections/runtimes.ts';
import { formatStart, measureStart } from './sections/start.ts';

/** Parts in which llama.cpp is measured, too. */
const COMPARED: ReadonlySet<Part> = new Set(['files', 'large', 'start']);

const options = readOptions(process.argv.slice(2));
if (options.help) {
  console.log(USAGE);
  process.exit();
}
const started = Date.now();
const load = loadavg()[0];
if (!options.gpu && options.parts.some((part) => COMPARED.has(part))) await installNodeLlamaCpp(options.say);
await ensureBuilt(['main', 'app']);
const measured = await measure(options);
const seconds = ((Date.now() - started) / 1000).toFixed(0);
console.log(measured);
if (options.whole) options.say(`wrote ${await writeDocument(measured)}`);
options.say(`done in ${seconds} s`);

async function measure(options: BenchOptions): Promise<string> {
  const wanted = (part: Part) => !options.gpu && options.parts.includes(part);
  const machine = await measureMachine(options);
  const files = wanted('files') ? await measureFiles(options) : [];
  const sections = [describe(machine)];
  if (wanted('files')) sections.push('### Beside node-llama-cpp', formatFiles(files, options.task));
  if (wanted('large')) {
    sections.push('### Large models, random weights', formatFiles(await measureLarge(options), largeTask(options)));
  }
  if (options.gpu) sections.push('### GPU', formatGpu(await measureGpu(options)));
  if (wanted('start')) sections.push('### Start', formatStart(await measureStart(options)));
  if (wanted('lanes')) sections.push('### Lanes and small models', formatLanes(await measureLanesAndTiny(options)));
  if (wanted('runtimes')) sections.push('### Hosts', formatRuntimes(await measureRuntimes(options), options));
  sections.push('### The machine', formatMachine(machine, files, options.task.contexts[0]));
  return sections.join('\n\n');
}

/** Describes the machine and its load. */
function describe({ machine }: MachineResult): string {
  const day = new Date().toISOString().slice(0, 10);
  const { cpu, cores, memoryBytes, platform, runtime, v8 } = machine;
  const busy =
    load > 0.5 * availableParallelism() ? ' Other programs were running, so only the ratios are meaningful.' : '';
  const { processor } = options.task;
  const as = processor === null ? '' : ` as ${processor} (${PROCESSORS[processor].says})`;
  return (
    `${day}, ${cpu}${as}, ${cores} threads, ${(memoryBytes / 1e9).toFixed(0)} GB, ${platform}. Tokenscope in ${runtime}, V8 ${v8}; ` +
    `node-llama-cpp 3.21.1 in Node ${process.versions.node}. Medians of ${options.task.repeat}, interleaved. ` +
    `Load average before: ${load.toFixed(1)}.${busy}`
  );
}
