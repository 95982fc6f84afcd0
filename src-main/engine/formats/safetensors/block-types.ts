import { BF16 } from '../../quant/bf16.ts';
import type { BlockType } from '../../quant/block-type.ts';
import { F16 } from '../../quant/f16.ts';
import { F32 } from '../../quant/f32.ts';
import type { Dtype } from '../../tensor/dtype.ts';

/** Supported dtypes. Both formats are little-endian, so the bytes are the same. */
export const TYPE_OF_DTYPE: Partial<Record<Dtype, BlockType>> = { F32, F16, BF16 };
