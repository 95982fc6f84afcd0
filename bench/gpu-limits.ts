/**
 * What a token costs on the GPU by the plan, and what that allows on three cards, in a second and without a GPU:
 *
 *     npx tsx bench/gpu-limits.ts
 */
import { gpuLimits } from './lib/gpu-limits.ts';

console.log(await gpuLimits());
