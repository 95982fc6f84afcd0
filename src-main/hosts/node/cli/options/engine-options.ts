import { Option, type Command } from 'commander';
import type { ExecutorName, KvCacheType } from '../../../../engine/api/types.ts';
import { addModelOption, type ModelOption } from './model-option.ts';
import { parseCount } from './values.ts';

/** The model, and how it is executed. */
export interface EngineOptions extends ModelOption {
  executor: ExecutorName;
  threads?: number;
  cacheType?: KvCacheType;
}

export function addEngineOptions(command: Command): Command {
  return addModelOption(command)
    .addOption(
      new Option(
        '--executor <name>',
        'wasm: fast CPU kernels; webgpu: GPU kernels; reference: slow and simple, for comparison',
      )
        .choices(['wasm', 'webgpu', 'reference'])
        .default('wasm'),
    )
    .addOption(
      new Option(
        '--cache-type <type>',
        'KV cache type of the wasm and webgpu executors (default: f32 if all weights are f32, else f16)',
      ).choices(['f32', 'f16', 'q8']),
    )
    .option('--threads <n>', 'threads of the wasm executor (default: the fastest number, measured)', parseCount);
}

/** The options of `load`. */
export function loadOptions({ executor, threads, cacheType }: EngineOptions): {
  executor: ExecutorName;
  threads?: number;
  kvCacheType?: KvCacheType;
} {
  return {
    executor,
    ...(threads === undefined ? {} : { threads }),
    ...(cacheType === undefined ? {} : { kvCacheType: cacheType }),
  };
}
