/** Storage of K and V: per layer `[cells, kvHeads, headDim]` each, heads padded with zeros to whole groups of four. */
import { EngineError } from '../../api/errors.ts';
import type { KvCacheType } from '../../api/types.ts';
import type { Program } from '../../program/program.ts';

export type GpuKvType = Exclude<KvCacheType, 'q8'>;

export interface KvLayout {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly type: GpuKvType;
}

/** Four values: their WGSL type, bytes, and how they are read and written. */
export interface KvElement {
  readonly name: string;
  readonly bytes: number;
  /** WGSL of the functions that `store` calls. */
  readonly storing: string;
  load(element: string): string;
  store(value: string): string;
}

/**
 * WGSL of two values as binary16. What exceeds its largest value becomes that, and NaN stays NaN, as on the CPU. WGSL promises
 * neither, and nothing about comparing NaN, so its bits are compared.
 */
const HALVES = `
fn halves(values: vec2f) -> u32 {
  let isNan = (bitcast<vec2u>(values) & vec2u(0x7fffffffu)) > vec2u(0x7f800000u);
  let packed = pack2x16float(clamp(values, vec2f(-65504.0), vec2f(65504.0)));
  let low = select(packed & 0xffffu, 0x7e00u, isNan.x);
  let high = select(packed >> 16u, 0x7e00u, isNan.y);
  return low | (high << 16u);
}
`;

const ELEMENTS: Readonly<Record<GpuKvType, KvElement>> = {
  f32: { name: 'vec4f', bytes: 16, storing: '', load: (element) => element, store: (value) => value },
  f16: {
    ...{ name: 'vec2u', bytes: 8, storing: HALVES },
    load: (element) => `vec4f(unpack2x16float(${element}.x), unpack2x16float(${element}.y))`,
    store: (value) => `vec2u(halves(${value}.xy), halves(${value}.zw))`,
  },
};

export function kvElement(type: GpuKvType): KvElement {
  return ELEMENTS[type];
}

/** @throws EngineError BAD_REQUEST for 8-bit codes, which have no kernels yet */
export function gpuKvType(type: KvCacheType): GpuKvType {
  if (type !== 'q8') return type;
  throw new EngineError('BAD_REQUEST', 'The webgpu executor stores K and V as f32 or f16, not as q8.', {
    field: 'kvCacheType',
  });
}

/** By layer; null for layers whose K and V nothing reads. */
export function kvLayouts(program: Program, type: GpuKvType): (KvLayout | null)[] {
  return program.kvWidths.map((_, layer) => {
    for (const op of program.ops) {
      if (op.op === 'attention' && op.attributes.layer === layer) {
        const { kvHeads, headDim } = op.attributes;
        return { kvHeads, headDim, type };
      }
    }
    return null;
  });
}

/** Bytes of K, and of V, of one cell. */
export function cellBytes({ kvHeads, headDim, type }: KvLayout): number {
  return kvHeads * Math.ceil(headDim / 4) * ELEMENTS[type].bytes;
}
