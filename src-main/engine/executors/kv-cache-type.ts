import type { KvCacheType } from '../api/types.ts';
import type { Program } from '../program/program.ts';
import type { WeightReader } from '../program/weights.ts';

/** The default storage type of K and V, as exact as the weights: float32 if all matrices are, else binary16. */
export function defaultKvCacheType(program: Program, weights: Pick<WeightReader, 'typeOf'>): KvCacheType {
  const matrices = program.weights.filter(({ shape }) => shape.length > 1);
  return matrices.every((weight) => weights.typeOf(weight).name === 'F32') ? 'f32' : 'f16';
}
