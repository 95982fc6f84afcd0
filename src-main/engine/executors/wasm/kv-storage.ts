/** Storage formats of K and V. */
import type { AttentionAttributes } from '../../program/ops.ts';
import type { KvCacheType } from '../../api/types.ts';
import { LAYOUT_F16, LAYOUT_F32, LAYOUT_Q8 } from './plan-layout.ts';

interface KvStorage {
  /** `LAYOUT_*` of the kernels. */
  readonly layout: number;
  /** Bytes of a head of `values` values. */
  bytes(values: number): number;
}

export const KV_STORAGE: Readonly<Record<KvCacheType, KvStorage>> = {
  f32: { layout: LAYOUT_F32, bytes: (values) => 4 * values },
  f16: { layout: LAYOUT_F16, bytes: (values) => 2 * values },
  q8: { layout: LAYOUT_Q8, bytes: (values) => values + 4 },
};

/** Values of one head in memory: padded with zeros to a multiple of 16. */
export function paddedHead(headDim: number): number {
  return Math.ceil(headDim / 16) * 16;
}

/** Bytes of K, and of V, of one layer. */
export function storageBytes({ kvHeads, headDim }: AttentionAttributes, cells: number, type: KvCacheType): number {
  return kvHeads * cells * KV_STORAGE[type].bytes(paddedHead(headDim));
}
