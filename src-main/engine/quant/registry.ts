import { BF16 } from './bf16.ts';
import type { BlockType } from './block-type.ts';
import { F16 } from './f16.ts';
import { F32 } from './f32.ts';
import { IQ4_NL } from './iq4_nl.ts';
import { IQ4_XS } from './iq4_xs.ts';
import { MXFP4 } from './mxfp4.ts';
import { Q2_K } from './q2_k.ts';
import { Q3_K } from './q3_k.ts';
import { Q4_0 } from './q4_0.ts';
import { Q4_1 } from './q4_1.ts';
import { Q4_K } from './q4_k.ts';
import { Q5_0 } from './q5_0.ts';
import { Q5_1 } from './q5_1.ts';
import { Q5_K } from './q5_k.ts';
import { Q6_K } from './q6_k.ts';
import { Q8_0 } from './q8_0.ts';

/** All supported types, ordered by their ggml id. */
export const BLOCK_TYPES: readonly BlockType[] = [
  F32,
  F16,
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q8_0,
  Q2_K,
  Q3_K,
  Q4_K,
  Q5_K,
  Q6_K,
  IQ4_NL,
  IQ4_XS,
  BF16,
  MXFP4,
];

const byId = new Map(BLOCK_TYPES.map((type) => [type.id, type]));

/** Names of ggml's types that are not supported, for error messages. */
const OTHER_NAMES: Readonly<Record<number, string>> = {
  9: 'Q8_1',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  21: 'IQ3_S',
  22: 'IQ2_S',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  40: 'NVFP4',
  41: 'Q1_0',
  42: 'Q2_0',
};

/** The type with ggml's id, or undefined when it is not supported. */
export function blockTypeById(id: number): BlockType | undefined {
  return byId.get(id);
}

/** The type with ggml's name. */
export function blockTypeNamed(name: string): BlockType | undefined {
  return BLOCK_TYPES.find((type) => type.name === name);
}

/** ggml's name of a type id, supported or not. */
export function blockTypeName(id: number): string {
  return byId.get(id)?.name ?? OTHER_NAMES[id] ?? `type ${id}`;
}
