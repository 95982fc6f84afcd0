import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { FILE_TYPES, type FileType, LARGE_TYPES, type LargeType } from './bench-models.ts';
import type { Task } from './contenders.ts';
import { processorNames } from './processors.ts';

export const PARTS = ['files', 'large', 'lanes', 'runtimes', 'start', 'machine'] as const;
export type Part = (typeof PARTS)[number];

/** Parts in which a processor of another kind can be measured. */
const PARTS_OF_PROCESSORS: readonly Part[] = ['files', 'large', 'lanes', 'machine'];

export const USAGE = `Measures Tokenscope beside node-llama-cpp (native llama.cpp).

  npm run bench                                      everything, about half an hour; writes docs/performance.md
  npm run bench -- --quick                           the files after a short context, once
  npm run bench -- --files Q4_0,Q8_0 --threads 1     some files, also "1B Q4_K_M" and other large ones
  npm run bench -- --parts lanes,start               some parts: ${PARTS.join(', ')}
  npm run bench -- --repeat 5                        measurements of each kind, of which the median counts
  npm run bench -- --processor haswell               as if this processor were of that kind: ${processorNames.join(', ')}
  npm run bench -- --gpu                             the webgpu executor beside the wasm executor, both in Node

One model on this computer, without llama.cpp: npx tokenscope bench MODEL`;

export interface BenchOptions {
  readonly help: boolean;
  readonly parts: readonly Part[];
  /** Instead of the parts. */
  readonly gpu: boolean;
  readonly files: readonly FileType[];
  readonly large: readonly LargeType[];
  readonly threads: readonly number[];
  readonly task: Omit<Task, 'path' | 'threads'>;
  /** Whether the full plan is measured, so that the result may be published. */
  readonly whole: boolean;
  /** Reports progress. */
  readonly say: (line: string) => void;
}

/** @throws Error with the allowed values */
export function readOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      parts: { type: 'string' },
      files: { type: 'string' },
      threads: { type: 'string' },
      repeat: { type: 'string' },
      processor: { type: 'string' },
      quick: { type: 'boolean', default: false },
      gpu: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, gpu } = values;
  const threads = values.threads?.split(',').map(positive);
  const processor = chosen('--processor', values.processor, processorNames)?.[0] ?? null;
  const repeat = values.repeat === undefined ? (quick ? 1 : 3) : positive(values.repeat);
  const files = chosen('--files', values.files, [...FILE_TYPES, ...LARGE_TYPES]);
  const parts = processor === null ? PARTS : PARTS_OF_PROCESSORS;
  return {
    help: values.help,
    gpu,
    parts: chosen('--parts', values.parts, parts) ?? (files ? partsOf(files) : quick ? ['files'] : parts),
    files: files ? FILE_TYPES.filter((type) => files.includes(type)) : FILE_TYPES,
    large: files ? LARGE_TYPES.filter((type) => files.includes(type)) : LARGE_TYPES,
    threads: threads ?? (availableParallelism() > 1 ? [1, 2] : [1]),
    task: quick
      ? { prompt: 512, generate: 64, contexts: [16], repeat, processor }
      : { prompt: 512, generate: 128, contexts: [16, 2048], repeat, processor },
    whole:
      !quick &&
      !gpu &&
      processor === null &&
      values.parts === undefined &&
      values.files === undefined &&
      threads === undefined,
    say: (line) => console.error(`bench: ${line}`),
  };
}

/** Parts that these files belong to. */
function partsOf(files: readonly (FileType | LargeType)[]): Part[] {
  const isLarge = (type: FileType | LargeType) => LARGE_TYPES.some((large) => large === type);
  return [...(files.every(isLarge) ? [] : ['files' as const]), ...(files.some(isLarge) ? ['large' as const] : [])];
}

function chosen<T extends string>(option: string, list: string | undefined, all: readonly T[]): T[] | null {
  if (list === undefined) return null;
  return list.split(',').map((name) => {
    const found = all.find((each) => each.toLowerCase() === name.trim().toLowerCase());
    if (found === undefined) throw new Error(`${option} takes ${all.join(', ')}, not "${name}".`);
    return found;
  });
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`"${text}" is not a whole number of at least 1.`);
  return value;
}
