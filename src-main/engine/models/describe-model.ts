import { SafetensorsFolder } from '../formats/safetensors/safetensors-folder.ts';
import { EngineError } from '../api/errors.ts';
import { isHfFolder } from '../api/model-file-rules.ts';
import type { GpuMemoryAt, ModelDescription } from '../api/types.ts';
import type { ByteSource, ModelFiles } from '../api/platform.ts';
import type { WeightDeclaration } from '../program/weights.ts';
import { elementCount } from '../tensor/shape.ts';
import { IdsOnlyTokenizer } from '../tokenizer/ids-only-tokenizer.ts';
import { readChatTemplate } from './chat-template.ts';
import { partNames, readParts } from './gguf/gguf-parts.ts';
import { MetadataReader } from './gguf/metadata-reader.ts';
import { TOKENIZER_FILE } from './huggingface/open-folder.ts';
import {
  engineOverhead,
  estimateMemory,
  type MemoryPlanner,
  type PlannedMemory,
  referenceMemory,
} from './memory-estimate.ts';
import type { OpenedModel } from './opened-model.ts';
import { openHeaders } from './open-model.ts';

const CONTEXT_SIZES = [1024, 4096];

/** Memory needs of executors. */
export interface ExecutorMemory {
  /** @param types of the tensors: how some are stored in memory depends on the computer */
  readonly plannerFor: (types: readonly string[]) => MemoryPlanner | Promise<MemoryPlanner>;
  /** Threads of the kernels; null for an executor without kernels. */
  readonly threads: number | null;
  /** Of the executor on a GPU. */
  readonly gpuPlanner?: MemoryPlanner<Omit<GpuMemoryAt, 'contextSize' | 'total'>>;
}

/**
 * Reads a model's headers.
 * @param memory of the executor that the model would run on; the reference executor by default
 * @throws EngineError as `openModel`
 */
export async function describeModel(
  files: ModelFiles,
  memory: ExecutorMemory = { plannerFor: () => referenceMemory, threads: null },
): Promise<ModelDescription> {
  const notices: string[] = [];
  const opened = await openHeaders(files, { onWarning: (message) => notices.push(message) });
  try {
    const { maskedTokenIds: _, hasChatRoles: __, ...config } = opened.config;
    const facts = await (isHfFolder(files.names) ? folderFacts(files) : ggufFacts(files));
    const sizes = [...CONTEXT_SIZES.filter((size) => size < config.contextSize), config.contextSize];
    const { weights } = opened.buildProgram(1);
    const problem = problemOf(opened, weights);
    // For a model that cannot be loaded, the size of weights kept as stored is unknown.
    const types = facts.tensorTypes.map(({ type }) => type);
    const planner = problem === null ? await memory.plannerFor(types) : referenceMemory;
    const unused = problem === null ? opened.weights.unusedWarning?.(weights) : null;
    if (typeof unused === 'string') notices.push(unused);
    const { gpuPlanner, threads } = memory;
    const needs = <Memory extends PlannedMemory>(plans: MemoryPlanner<Memory>, kernelThreads: number | null) =>
      sizes.map((contextSize) => {
        const estimate = estimateMemory(opened, contextSize, plans);
        const overhead = engineOverhead(config.vocabularySize, kernelThreads);
        const [scratch, total] = [estimate.scratch + overhead, estimate.total + overhead];
        return { ...estimate, contextSize, scratch, total };
      });
    return {
      id: files.id,
      ...config,
      parameters: weights.reduce((sum, { shape }) => sum + elementCount(shape), 0),
      fileBytes: opened.totalBytes,
      ...facts,
      tokenizer: opened.tokenizer instanceof IdsOnlyTokenizer ? null : facts.tokenizer,
      memory: needs(planner, threads),
      ...(gpuPlanner && problem === null && { gpuMemory: needs(gpuPlanner, null) }),
      problem,
      notices,
    };
  } finally {
    await opened.close();
  }
}

/** The first tensor that is missing, misshapen or of an unsupported type. */
function problemOf({ weights }: OpenedModel, declared: readonly WeightDeclaration[]): ModelDescription['problem'] {
  try {
    for (const { name, shape } of declared) weights.check(name, shape);
    return null;
  } catch (thrown) {
    const { code, message, details } = EngineError.from(thrown);
    return { code, message, details };
  }
}

type Facts = Pick<ModelDescription, 'format' | 'tensorTypes' | 'tokenizer' | 'chatTemplate'>;

async function ggufFacts(files: ModelFiles): Promise<Facts> {
  const sources: ByteSource[] = [];
  try {
    for (const name of partNames(files)) sources.push(await files.open(name));
    const { first, tensors } = await readParts(sources);
    const reader = new MetadataReader(first.metadata, first.source.name);
    const pre = reader.optionalText('tokenizer.ggml.pre');
    return {
      format: 'GGUF',
      tensorTypes: countTypes([...tensors.values()].map(({ typeName, bytes }) => [typeName, bytes ?? 0])),
      tokenizer: reader.text('tokenizer.ggml.model') + (pre === null ? '' : `, split as ${pre}`),
      chatTemplate: reader.optionalText('tokenizer.chat_template'),
    };
  } finally {
    for (const source of sources) await source.close?.();
  }
}

async function folderFacts(files: ModelFiles): Promise<Facts> {
  const folder = await SafetensorsFolder.open(files);
  await folder.close();
  return {
    format: 'safetensors',
    tensorTypes: countTypes([...folder.tensors.values()].map(({ dtype, begin, end }) => [dtype, end - begin])),
    tokenizer: TOKENIZER_FILE,
    chatTemplate: await readChatTemplate(files),
  };
}

function countTypes(tensors: readonly (readonly [type: string, bytes: number])[]): ModelDescription['tensorTypes'] {
  const byType = new Map<string, { type: string; tensors: number; bytes: number }>();
  for (const [type, bytes] of tensors) {
    const entry = byType.get(type) ?? { type, tensors: 0, bytes: 0 };
    byType.set(type, { type, tensors: entry.tensors + 1, bytes: entry.bytes + bytes });
  }
  return [...byType.values()].sort((a, b) => b.bytes - a.bytes);
}
