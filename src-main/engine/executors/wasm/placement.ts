/** Distributes a model over several WebAssembly memories, because each addresses 4 GiB at most. */
import type { Op } from '../../program/ops.ts';
import type { Program } from '../../program/program.ts';

/** Which memory has which weights, and K and V of which layers. */
export interface Placement {
  readonly memories: number;
  /** Number of the memory, by name of the weight. */
  readonly weights: ReadonlyMap<string, number>;
  /** Number of the memory of K and V, by layer. */
  readonly layers: readonly number[];
}

/** Bytes in memory. */
export interface UnitSizes {
  readonly weights: ReadonlyMap<string, number>;
  /** K and V, by layer. */
  readonly layers: readonly number[];
}

export function inOneMemory(program: Program): Placement {
  const weights = new Map(program.weights.map(({ name }) => [name, 0]));
  return { memories: 1, weights, layers: program.kvWidths.map(() => 0) };
}

/** Number of the memory that has what the operation reads beside activations; null if it reads nothing else. */
export function memoryOf(op: Op, { weights, layers }: Placement): number | null {
  if (op.op === 'cacheWrite' || op.op === 'attention') return layers[op.attributes.layer];
  return op.weights.length === 0 ? null : (weights.get(op.weights[0].name) ?? null);
}

/** Layers whose K and V are in this memory. */
export function layersIn({ layers }: Placement, memory: number): ReadonlySet<number> {
  return new Set([...layers.keys()].filter((layer) => layers[layer] === memory));
}

/**
 * Distributes consecutive layers over as few memories as possible, as evenly as possible, so that all have room left.
 * @param most bytes of weights, K and V per memory
 * @returns null if a part that cannot be divided is larger
 */
export function placeInSeveral(program: Program, sizes: UnitSizes, most: number): Placement | null {
  const units = indivisible(program, sizes);
  const largest = Math.max(...units.map(({ bytes }) => bytes));
  if (largest > most) return null;
  const total = units.reduce((sum, { bytes }) => sum + bytes, 0);
  const memories = countOf(fill(units, most));
  // The smallest capacity for which this number suffices, to a thousandth.
  let [tooSmall, capacity] = [Math.max(largest, total / memories) - 1, most];
  while (capacity - tooSmall > Math.max(1, most / 1000)) {
    const middle = (tooSmall + capacity) / 2;
    if (middle >= largest && countOf(fill(units, middle)) <= memories) capacity = middle;
    else tooSmall = middle;
  }
  const weights = new Map<string, number>();
  const layers: number[] = [];
  fill(units, capacity).forEach((memory, i) => {
    for (const name of units[i].weights) weights.set(name, memory);
    for (const layer of units[i].layers) layers[layer] = memory;
  });
  return { memories, weights, layers };
}

/** What consecutive operations read beside activations. */
interface Unit {
  bytes: number;
  readonly weights: string[];
  readonly layers: number[];
}

/** The program cut wherever the rest of it needs a single activation: before and after each attention and feed-forward. */
function indivisible(program: Program, sizes: UnitSizes): Unit[] {
  const lastUse = lastUses(program.ops);
  const units: Unit[] = [{ bytes: 0, weights: [], layers: [] }];
  const homes = new Map<string, Unit>();
  const placedLayers = new Set<number>();
  const live = new Set<number>();
  program.ops.forEach((op, step) => {
    const unit = units[units.length - 1];
    // The output matrix may be the embedding; a bias is with its matrix.
    const home = op.weights.map(({ name }) => homes.get(name)).find((known) => known !== undefined) ?? unit;
    for (const { name } of op.weights) {
      if (homes.has(name)) continue;
      homes.set(name, home);
      home.weights.push(name);
      home.bytes += sizes.weights.get(name) ?? 0;
    }
    if ((op.op === 'cacheWrite' || op.op === 'attention') && !placedLayers.has(op.attributes.layer)) {
      placedLayers.add(op.attributes.layer);
      unit.layers.push(op.attributes.layer);
      unit.bytes += sizes.layers[op.attributes.layer];
    }
    updateLive(live, op, step, lastUse);
    if (live.size <= 1) units.push({ bytes: 0, weights: [], layers: [] });
  });
  return units;
}

/** Number of the memory of each unit, if each memory takes as many as fit. */
function fill(units: readonly Unit[], capacity: number): number[] {
  let [memory, used] = [0, 0];
  return units.map(({ bytes }) => {
    if (used > 0 && used + bytes > capacity) [memory, used] = [memory + 1, 0];
    used += bytes;
    return memory;
  });
}

function countOf(memories: readonly number[]): number {
  return memories[memories.length - 1] + 1;
}

type Accesses = Pick<Op, 'inputs' | 'output'>;

/** By activation: the last operation that reads it. */
export function lastUses(ops: readonly Accesses[]): ReadonlyMap<number, number> {
  return new Map(ops.flatMap(({ inputs }, step) => inputs.map((input) => [input, step] as const)));
}

/** Keeps the set of activations that later operations read, after operation `step`. */
export function updateLive(
  live: Set<number>,
  { inputs, output }: Accesses,
  step: number,
  lastUse: ReadonlyMap<number, number>,
): void {
  if (output !== null && lastUse.has(output)) live.add(output);
  for (const input of inputs) if (lastUse.get(input) === step) live.delete(input);
}
