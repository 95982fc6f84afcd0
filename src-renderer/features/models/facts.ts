import type { MemoryAt, ModelDescription } from '../../../src-main/engine/api/types.ts';
import type { ModelInfo } from '../../../src-main/engine/api/types.ts';
import { formatBytes, formatInteger, withUnit } from '../../ui/format.ts';

export interface Fact {
  name: string;
  value: string;
}

/** `9 (3 KV heads)` if several query heads share a key and value head. */
export function headsText({ heads, kvHeads }: Pick<ModelInfo, 'heads' | 'kvHeads'>): string {
  return heads === kvHeads ? String(heads) : `${heads} (${kvHeads} KV ${kvHeads === 1 ? 'head' : 'heads'})`;
}

/** Facts for comparing models. */
export function architectureFacts(model: ModelDescription): Fact[] {
  return [
    { name: 'Architecture', value: model.architecture },
    { name: 'Layers', value: formatInteger(model.layers) },
    { name: 'Hidden size', value: formatInteger(model.hiddenSize) },
    { name: 'Heads', value: headsText(model) },
    { name: 'Vocabulary', value: formatInteger(model.vocabularySize) },
    { name: 'Trained context', value: formatInteger(model.contextSize) },
    { name: 'Head size', value: formatInteger(model.headDim) },
    { name: 'Feed-forward size', value: formatInteger(model.feedForwardSize) },
    { name: 'Chat template', value: model.chatTemplate === null ? 'None' : 'Included' },
  ];
}

/** A number type of stored weights. */
export interface MixPart {
  type: string;
  /** Share of the bytes of all weights, 0..1. */
  share: number;
  text: string;
  /** Step on the colour scale: more bits are darker. */
  step: 1 | 2 | 3 | 5 | 6 | 7 | 8;
}

/** How a model's weights are stored, fewest bits first, and the average bits per weight. */
export function quantisationMix({ tensorTypes, parameters }: Pick<ModelDescription, 'tensorTypes' | 'parameters'>): {
  parts: MixPart[];
  bitsPerWeight: number;
} {
  const bytes = tensorTypes.reduce((sum, type) => sum + type.bytes, 0);
  const parts = tensorTypes
    .map(({ type, bytes: own }) => {
      const share = bytes === 0 ? 0 : own / bytes;
      const percent = Math.round(share * 100);
      return {
        type,
        share,
        text: `${type} ${withUnit(percent === 0 ? '<\u00a01' : String(percent), '%')}`,
        step: stepOf(type),
      };
    })
    .sort((a, b) => a.step - b.step || b.share - a.share);
  return { parts, bitsPerWeight: parameters === 0 ? 0 : (bytes * 8) / parameters };
}

function stepOf(type: string): MixPart['step'] {
  if (/^F32|^F64/.test(type)) return 8;
  if (/16/.test(type)) return 7;
  const bits = Number(/(\d)/.exec(type.replace('MXFP', ''))?.[1] ?? 8);
  if (bits <= 3) return 1;
  return ({ 4: 2, 5: 3, 6: 5 } as const)[bits] ?? 6;
}

export interface MemoryPart {
  kind: 'weights' | 'cache' | 'scratch';
  name: string;
  bytes: number;
  text: string;
}

/** Memory of a model: weights, KV cache, working space. */
export function memoryParts(memory: Omit<MemoryAt, 'total'>, parameters: number): MemoryPart[] {
  const { weights, kvCache, scratch, contextSize } = memory;
  const perToken = kvCache / Math.max(1, contextSize);
  // Weights of four bytes each were unpacked, whatever their stored type.
  const unpacked = weights > 3.9 * parameters ? ', unpacked to F32' : '';
  const part = (kind: MemoryPart['kind'], name: string, bytes: number): MemoryPart => {
    return { kind, name, bytes, text: formatBytes(bytes) };
  };
  return [
    part('weights', `Weights${unpacked}`, weights),
    part('cache', `KV cache, ${formatBytes(perToken)} per token`, kvCache),
    part('scratch', 'Working space', scratch),
  ];
}

/** The parts of a memory in one line. */
export function memoryText({ weights, kvCache, scratch }: Pick<MemoryAt, 'weights' | 'kvCache' | 'scratch'>): string {
  return `Weights ${formatBytes(weights)}, KV cache ${formatBytes(kvCache)}, working space ${formatBytes(scratch)}`;
}

/** 361821120 is `362 M`, 1711376384 is `1.7 B`. */
export function formatParameters(count: number): string {
  if (count >= 999.5e6) return withUnit((count / 1e9).toFixed(1), 'B');
  return count >= 999_500 ? withUnit((count / 1e6).toFixed(count < 9.95e6 ? 1 : 0), 'M') : formatInteger(count);
}
