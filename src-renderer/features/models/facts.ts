import type { ModelInfo } from '../../../src-main/engine/types.ts';
import { formatBytes, formatInteger } from '../../ui/format.ts';

export interface Fact {
  name: string;
  value: string;
}

/** `9, sharing 3 caches` where fewer key and value heads serve several query heads. */
export function headsText({ heads, kvHeads }: Pick<ModelInfo, 'heads' | 'kvHeads'>): string {
  return heads === kvHeads ? String(heads) : `${heads}, sharing ${kvHeads} ${kvHeads === 1 ? 'cache' : 'caches'}`;
}

/** What a person compares models by. */
export function architectureFacts(model: ModelInfo): Fact[] {
  return [
    { name: 'Family', value: model.architecture },
    { name: 'Layers', value: formatInteger(model.layers) },
    { name: 'Width', value: formatInteger(model.hiddenSize) },
    { name: 'Heads', value: headsText(model) },
    { name: 'Vocabulary', value: formatInteger(model.vocabularySize) },
    { name: 'Context', value: `${formatInteger(model.contextSize)} tokens` },
    { name: 'Head width', value: formatInteger(model.headDim) },
    { name: 'Feed-forward', value: formatInteger(model.feedForwardSize) },
    { name: 'Chat roles', value: model.hasChatRoles ? 'Yes' : 'None' },
  ];
}

export interface MemoryPart {
  kind: 'weights' | 'cache' | 'scratch';
  name: string;
  bytes: number;
  text: string;
  /** Of the whole, 0..1. */
  share: number;
}

/** What the model holds in memory, largest meaning first: weights, context cache, working space. */
export function memoryParts(model: Pick<ModelInfo, 'memoryBytes' | 'contextSize'>): {
  total: number;
  parts: MemoryPart[];
} {
  const { weights, kvCache, scratch } = model.memoryBytes;
  const total = weights + kvCache + scratch;
  const perToken = kvCache / Math.max(1, model.contextSize);
  const part = (kind: MemoryPart['kind'], name: string, bytes: number): MemoryPart => ({
    kind,
    name,
    bytes,
    text: formatBytes(bytes),
    share: total === 0 ? 0 : bytes / total,
  });
  return {
    total,
    parts: [
      part('weights', 'Weights', weights),
      part('cache', `Context cache, ${formatBytes(perToken)} per token`, kvCache),
      part('scratch', 'Working space', scratch),
    ],
  };
}
