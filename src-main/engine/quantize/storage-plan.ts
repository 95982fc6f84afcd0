import { EngineError } from '../api/errors.ts';
import type { BlockType } from '../quant/block-type.ts';
import { F16 } from '../quant/f16.ts';
import { F32 } from '../quant/f32.ts';
import { Q4_0 } from '../quant/q4_0.ts';
import { Q4_1 } from '../quant/q4_1.ts';
import { Q4_K } from '../quant/q4_k.ts';
import { Q6_K } from '../quant/q6_k.ts';
import { Q8_0 } from '../quant/q8_0.ts';

/** A type that models can be written in. */
export interface TargetType {
  readonly type: BlockType;
  /** llama.cpp's `enum llama_ftype`, for `general.file_type`. */
  readonly fileType: number;
}

const TARGETS: Readonly<Record<string, TargetType>> = {
  F32: { type: F32, fileType: 0 },
  F16: { type: F16, fileType: 1 },
  Q8_0: { type: Q8_0, fileType: 7 },
  Q6_K: { type: Q6_K, fileType: 18 },
  Q4_K: { type: Q4_K, fileType: 14 },
  Q4_1: { type: Q4_1, fileType: 3 },
  Q4_0: { type: Q4_0, fileType: 2 },
};

/** Names of the types, from the largest to the smallest. */
export const TARGET_TYPES: readonly string[] = Object.keys(TARGETS);

/** @throws EngineError BAD_REQUEST for an unknown name, with the supported ones */
export function targetType(name: string): TargetType {
  const upper = name.toUpperCase();
  if (Object.hasOwn(TARGETS, upper)) return TARGETS[upper];
  throw new EngineError(
    'BAD_REQUEST',
    `${name} is not a supported target type. Choose one of ${TARGET_TYPES.join(', ')}.`,
    {
      type: name,
      types: TARGET_TYPES.join(', '),
    },
  );
}

/** Kept in float32 whatever their shape, as in llama.cpp. */
const NEVER_QUANTIZED = /_norm\.weight$|^position_embd\.weight$/;

/**
 * The type a tensor is stored in. Matrices get the requested type; vectors, norms and position tables stay F32. Two
 * exceptions, as in llama.cpp: the output matrix is stored in Q6_K or better, because its errors affect every token's
 * probability; and a row that is not a whole number of blocks falls back to Q8_0 (blocks of 32), else to F16.
 *
 * @param logitsMatrix name of the output matrix, which is the token table when they are tied
 */
export function storageType(
  name: string,
  shape: readonly number[],
  target: BlockType,
  logitsMatrix: string,
): BlockType {
  if (shape.length < 2 || !name.endsWith('.weight') || NEVER_QUANTIZED.test(name)) return F32;
  const isSmall = target.blockBytes / target.blockSize < Q6_K.blockBytes / Q6_K.blockSize;
  const wanted = name === logitsMatrix && isSmall ? Q6_K : target;
  const columns = shape[shape.length - 1];
  return [wanted, Q8_0].find(({ blockSize }) => columns % blockSize === 0) ?? F16;
}
