/**
 * WGSL that combines values of a workgroup's threads: in the workgroup's memory, or between the threads of a subgroup, which
 * need not wait for each other. Both add in the same order, so that they give the same bits.
 */
import { THREADS } from './shader.ts';

/**
 * Threads of the smallest subgroups, a power of two; null for none. Subgroups of some pipelines may be larger: threads with
 * consecutive numbers are in the same one then, too.
 */
export type SubgroupSize = number | null;

/** A function of a value of each thread, whose result every thread gets. Uses `partial`. */
function reduction(
  name: string,
  type: string,
  combined: (a: string, b: string) => string,
  subgroup: SubgroupSize,
): string {
  const size = Math.min(THREADS, subgroup ?? 1);
  const inMemory = `
  partial[local] = value;
  workgroupBarrier();
  for (var step = ${THREADS / 2}u; step >= ${size}u; step >>= 1u) {
    if (local < step) {
      partial[local] = ${combined('partial[local]', 'partial[local + step]')};
    }
    workgroupBarrier();
  }`;
  const inSubgroup = `
  for (var step = ${size / 2}u; step > 0u; step >>= 1u) {
    own = ${combined('own', 'subgroupShuffleDown(own, step)')};
  }
  if (local == 0u) {
    partial[0] = own;
  }
  workgroupBarrier();`;
  return `
fn ${name}(value: ${type}, local: u32) -> ${type} {
  workgroupBarrier();${size < THREADS ? inMemory : ''}${
    size > 1 ? `\n  var own = ${size < THREADS ? 'partial[local]' : 'value'};${inSubgroup}` : ''
  }
  return partial[0];
}
`;
}

/**
 * A sum over the workgroup, and its memory, of at least as many values as there are threads.
 * @param subgroup with subgroups
 */
export function sumOf(subgroup: SubgroupSize, type = 'f32', size = THREADS): string {
  return `
var<workgroup> partial: array<${type}, ${size}>;
${reduction('sumOf', type, (a, b) => `${a} + ${b}`, subgroup)}`;
}

/** The same of the maximum, in the memory of `sumOf`. */
export function maximumOf(subgroup: SubgroupSize): string {
  return reduction('maximumOf', 'f32', (a, b) => `max(${a}, ${b})`, subgroup);
}

/**
 * `sumLanes(own, lane, local)`: several sums of each thread over the `shape.lanes` threads that share them. Afterwards, the
 * first of them has its sums in `partial[i * threads + local]`.
 */
export function laneSums(subgroup: SubgroupSize, type: string, sums: number): string {
  const store = `for (var i = 0u; i < ${sums}u; i += 1u) {
      partial[i * ${THREADS}u + local] = own[i];
    }`;
  const inMemory = (least: number) => `${store}
    for (var step = shape.lanes >> 1u; step >= ${least}u; step >>= 1u) {
      workgroupBarrier();
      if (lane < step) {
        for (var i = local; i < ${THREADS * sums}u; i += ${THREADS}u) {
          partial[i] += partial[i + step];
        }
      }
    }
    workgroupBarrier();`;
  const signature = `fn sumLanes(ownSums: array<${type}, ${sums}>, lane: u32, local: u32) {
  var own = ownSums;`;
  if (subgroup === null) return `\n${signature}\n    ${inMemory(1)}\n}\n`;
  return `
${signature}
  if (shape.lanes > ${subgroup}u) {
    ${inMemory(subgroup)}
    for (var i = 0u; i < ${sums}u; i += 1u) {
      own[i] = partial[i * ${THREADS}u + local];
    }
  }
  for (var step = min(shape.lanes, ${subgroup}u) >> 1u; step > 0u; step >>= 1u) {
    for (var i = 0u; i < ${sums}u; i += 1u) {
      own[i] += subgroupShuffleDown(own[i], step);
    }
  }
  if (lane == 0u) {
    ${store}
  }
  workgroupBarrier();
}
`;
}
