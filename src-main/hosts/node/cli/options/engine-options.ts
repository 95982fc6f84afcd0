import { Option, type Command } from 'commander';
import type { ExecutorName, KvCacheType } from '../../../../engine/types.ts';
import { addModelOption, type ModelOption } from './model-option.ts';
import { parseCount } from './values.ts';

/** Which model, and what computes it. */
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
        'what computes the model: the CPU kernels, or the plain one that they are compared with',
      )
        .choices(['wasm', 'reference'])
        .default('wasm'),
    )
    .addOption(
      new Option(
        '--cache-type <type>',
        'how the wasm executor stores keys and values (default: f32 where all weights are, else f16)',
      ).choices(['f32', 'f16', 'q8']),
    )
    .option('--threads <n>', 'threads of the wasm executor (default: as many as measurably help)', parseCount);
}

/** What `load` takes of them. */
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
