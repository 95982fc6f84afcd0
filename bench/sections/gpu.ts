/** The webgpu executor beside the wasm executor, both in Node, and the limits of real cards. */
import type { GpuAdapterFacts } from '../../src-main/engine/api/types.ts';
import { TINY_TRANSFORMER_DIR } from '../../src-main/engine/test-support/model-files.ts';
import { softwareNotice } from '../../src-main/hosts/node/bench/run-bench.ts';
import { withTokenscope } from '../lib/app-runtime.ts';
import { benchModel } from '../lib/bench-models.ts';
import { measureInterleaved, type Figures, type Task } from '../lib/contenders.ts';
import { gpuLimits } from '../lib/gpu-limits.ts';
import { megabytes, number, table } from '../lib/markdown.ts';
import type { BenchOptions } from '../lib/options.ts';

export interface GpuResult {
  readonly adapter: GpuAdapterFacts;
  readonly task: BenchOptions['task'];
  readonly files: readonly { readonly name: string; readonly gpu: Figures; readonly cpu: Figures }[];
  /** Tables of what real cards allow. */
  readonly limits: string;
}

/** A software renderer takes seconds for a token of a larger model. */
const SOFTWARE_TASK = { prompt: 32, generate: 16, contexts: [16] } as const;

/** @throws EngineError BACKEND_LOST without an adapter or the npm package `webgpu` */
export async function measureGpu(options: BenchOptions): Promise<GpuResult> {
  const adapter = await adapterOf(TINY_TRANSFORMER_DIR);
  options.say(`adapter: ${adapter.name}`);
  const task = adapter.isSoftware ? { ...options.task, ...SOFTWARE_TASK } : options.task;
  const models = [{ name: 'TinyTransformer', path: TINY_TRANSFORMER_DIR }];
  if (!adapter.isSoftware) {
    for (const type of options.files) models.push({ name: type, path: await benchModel(type, options.say) });
  }
  const files: GpuResult['files'][number][] = [];
  for (const { name, path } of models) {
    const both: Task = { path, threads: null, ...task };
    const [gpu, cpu] = await measureInterleaved(['webgpu', 'node'], both);
    options.say(`${name}: prefill ${number(gpu.prefill)} / ${number(cpu.prefill)}`);
    files.push({ name, gpu, cpu });
  }
  return { adapter, task, files, limits: await gpuLimits() };
}

function adapterOf(path: string): Promise<GpuAdapterFacts> {
  return withTokenscope('node', null, async (session) => {
    const load = { path, executor: 'webgpu', threads: null, contextSize: 16 } as const;
    const { adapter } = await session.call('load', load);
    if (!adapter) throw new Error('The webgpu executor did not say which adapter it uses.');
    return adapter;
  });
}

export function formatGpu({ adapter, task, files, limits }: GpuResult): string {
  type Read = (figures: Figures) => number;
  const both = (read: Read) => (file: GpuResult['files'][number]) =>
    `${number(read(file.gpu))} / ${number(read(file.cpu))}`;
  const prefill = both((figures) => figures.prefill);
  const decode = task.contexts.map((context) => both((figures) => figures.decode.get(context) ?? NaN));
  const load = both(({ model }) => model.loadMs);
  const memory = ({ gpu }: GpuResult['files'][number]) =>
    megabytes((gpu.model.weightBytes ?? 0) + (gpu.model.kvBytes ?? 0));
  return [
    `Adapter: ${adapter.name}.${adapter.isSoftware ? ` ${softwareNotice(adapter)}` : ''}`,
    'Tokens per second, webgpu / wasm executor; load time in ms; weights, K and V on the GPU in MB.',
    table(
      [
        'model',
        `prefill ${task.prompt}`,
        ...task.contexts.map((context) => `decode after ${context}`),
        'load',
        'memory',
      ],
      files.map((file) => [file.name, prefill(file), ...decode.map((cell) => cell(file)), load(file), memory(file)]),
    ),
    'What the plan costs per token, and tokens per second that real cards allow at most, with the share of dispatches:',
    limits,
  ].join('\n\n');
}
