/**
 * Chooses the matrix product kernels for this machine: finds out how its dot product treats 8-bit codes, checks that each
 * kind of kernel is exact, and times them if more than one may be the fastest.
 */
import { EngineError } from '../../api/errors.ts';
import type { Clock, CompiledKernels } from '../../api/platform.ts';
import { Q4_0 } from '../../quant/q4_0.ts';
import { rowBytes } from '../../quant/block-type.ts';
import { writeF16 } from '../../quant/float16.ts';
import { KernelMemory } from './kernel-memory.ts';
import { instantiateKernels, type KernelExports } from './kernels.ts';
import { type Measured, type MeasureOnce, whenMeasured } from './measure-once.ts';
import * as L from './plan-layout.ts';
import { type PlanOp, quantizedStride, strideOf, writePlan } from './plan.ts';
import { STREAM_COUNTS } from './run-inputs.ts';
import { DOT_KINDS, type DotKind, type DotTraits, nibbleLayout, type WeightLayout } from './weight-layouts.ts';

export interface DotChoice extends DotTraits {
  /** Explanation for people. */
  readonly reason: string;
}

export interface KernelChoice {
  /** Display name of the build. */
  readonly variant: string;
  readonly module: WebAssembly.Module;
  readonly kernels: KernelExports;
  readonly dot: DotChoice;
}

/** How this machine's dot product treats 8-bit codes. @throws EngineError OUT_OF_MEMORY */
export function dotKindOf({ module, shared }: CompiledKernels): DotKind {
  return DOT_KINDS[instantiateKernels(module, new KernelMemory(shared).memory).dotKind()];
}

const INPUTS = 512;
const OUTPUTS = 256;
/** Enough rows for the prompt kernels, which take four together, and one left over. */
const ROWS = 21;
/** Enough rows for the kernels of a few rows. */
const FEW_ROWS = 4;
/** Outputs per row that are compared. */
const COMPARED = 24;
/** Time per kind in ms, part of which V8 needs to run its optimising compiler. */
const TRIAL_MS = 40;

type Sums = DotTraits['sums'];

/** One kind of kernel. */
interface Way {
  readonly wide: boolean;
  readonly sums: Sums;
  readonly kernels: KernelExports;
}

interface Mistake {
  readonly row: number;
  readonly output: number;
  readonly found: number;
  readonly expected: number;
}

/** Choice per module of this process: the machine does not change. */
const choices = new WeakMap<WebAssembly.Module, { wide: boolean; dot: DotChoice }>();

/**
 * @param instantiate a module in `memory`
 * @param memory lends scratch memory until its next `reserve`
 * @param clock without one, nothing is timed: sums have 32 bits, and vectors 128
 * @param once skips the timing if it was done before, but never the first check
 * @throws EngineError BACKEND_LOST when this machine's WebAssembly computes wrongly
 */
export async function chooseKernels(
  compiled: CompiledKernels,
  instantiate: (module: WebAssembly.Module) => KernelExports,
  memory: KernelMemory,
  clock: Clock | undefined,
  once: MeasureOnce,
): Promise<KernelChoice> {
  const kernels = instantiate(compiled.module);
  const chosen = choices.get(compiled.module) ?? (await choose(compiled, kernels, instantiate, memory, clock, once));
  choices.set(compiled.module, chosen);
  const { wide, dot } = chosen;
  if (!wide || !compiled.wide) return { variant: compiled.variant, module: compiled.module, kernels, dot };
  return { variant: 'wide', module: compiled.wide, kernels: instantiate(compiled.wide), dot };
}

async function choose(
  compiled: CompiledKernels,
  kernels: KernelExports,
  instantiate: (module: WebAssembly.Module) => KernelExports,
  memory: KernelMemory,
  clock: Clock | undefined,
  once: MeasureOnce,
): Promise<{ wide: boolean; dot: DotChoice }> {
  const codes = DOT_KINDS[kernels.dotKind()];
  const trial = new Trial(kernels, memory);
  // With an instruction that sums whole 8-bit codes in 32 bits, no other kernel of that width is faster.
  const widths = codes === 'seven-bits' && kernels.hasShortSums() ? (['i32', 'i16'] as const) : (['i32'] as const);
  const ways: Way[] = widths.map((sums) => ({ wide: false, sums, kernels }));
  for (const way of ways) trial.check(way);
  if (clock && compiled.wide) {
    const wide = instantiate(compiled.wide);
    ways.push(
      ...widths.map((sums): Way => ({ wide: true, sums, kernels: wide })).filter((way) => trial.mistake(way) === null),
    );
  }
  if (!clock || ways.length === 1) return { wide: false, dot: { codes, sums: 'i32', reason: onlyReason(codes) } };

  // The best of many, each on one thread, so that other load matters little.
  const time = (): Measured => ({ values: ways.map((way) => trial.time(way, clock)), clear: true });
  const { values, before } = await once(`${codes}, ${ways.map(nameOf).join(', ')}`, ways.length, time);
  const order = ways.map((way, i) => ({ way, rate: values[i] })).sort((a, b) => b.rate - a.rate);
  // By now V8's optimising compiler has compiled them, which may have bugs of its own.
  const { wide, sums } = order.find(({ way }) => !way.wide || trial.mistake(way) === null)!.way;
  const rates = order.map(({ way, rate }, i) => `${rate.toFixed(0)}${i === 0 ? UNIT : ''} with ${nameOf(way)}`);
  return { wide, dot: { codes, sums, reason: `${whenMeasured(before)}: ${rates.join(', ')}` } };
}

const UNIT = ' GMAC/s';

function nameOf({ wide, sums }: Way): string {
  return `${wide ? 256 : 128}-bit vectors${sums === 'i16' ? ' and 16-bit sums' : ''}`;
}

function onlyReason(codes: DotTraits['codes']): string {
  if (codes === 'seven-bits') return 'only these kernels work on this processor';
  return `dot products of ${codes} 8-bit codes are exact here`;
}

/** A Q4_0 matrix whose products with the activations are exact in float32. */
class Trial {
  private readonly at: { plan: number; run: number; pool: number; x: number; y: number; weights: number };

  /** @param kernels that pack the matrix and quantise the activations */
  constructor(
    kernels: KernelExports,
    private readonly memory: KernelMemory,
  ) {
    const sizes = {
      plan: L.OP_BYTES,
      run: L.RUN_BYTES,
      pool: L.POOL_BYTES,
      floats: ROWS * strideOf(INPUTS),
      x: ROWS * quantizedStride(INPUTS),
      y: ROWS * strideOf(OUTPUTS),
      tile: 8192 + 64 * INPUTS,
      weights: OUTPUTS * nibbleLayout('i32').bytes(INPUTS),
      file: OUTPUTS * rowBytes(Q4_0, INPUTS),
    };
    let end = memory.reserve(
      Object.values(sizes).reduce((sum, bytes) => sum + bytes + 64, 0),
      'trying the kernels',
    );
    const take = (bytes: number) => {
      const at = end;
      end = Math.ceil((end + bytes) / 64) * 64;
      return at;
    };
    const plan = take(sizes.plan);
    const [run, pool, floats] = [take(sizes.run), take(sizes.pool), take(sizes.floats)];
    const [x, y, tile, weights, file] = [sizes.x, sizes.y, sizes.tile, sizes.weights, sizes.file].map(take);
    this.at = { plan, run, pool, x, y, weights };
    const { u8, i32, f32 } = memory;
    u8.fill(0, plan, end);
    i32[(pool + L.POOL_THREADS) / 4] = 1;
    i32[(run + L.RUN_TILES) / 4] = tile;
    for (let row = 0; row < ROWS; row++) {
      for (let i = 0; i < INPUTS; i++) f32[(floats + row * strideOf(INPUTS)) / 4 + i] = activation(row, i);
    }
    for (let block = 0; block < sizes.file / Q4_0.blockBytes; block++) {
      const at = file + block * Q4_0.blockBytes;
      writeF16(u8, at, 1);
      for (let i = 0; i < 16; i++) u8[at + 2 + i] = nibble(32 * block + i) | (nibble(32 * block + 16 + i) << 4);
    }
    kernels.packQ4(file, weights, INPUTS, 0, OUTPUTS);
    this.execute(kernels, ROWS, [
      [L.OP_CODE, L.QUANTIZE],
      [L.OP_X, floats],
      [L.OP_X_STRIDE, strideOf(INPUTS)],
      [L.OP_WIDTH, INPUTS],
      [L.OP_Y, x],
      [L.OP_Y_STRIDE, quantizedStride(INPUTS)],
    ]);
  }

  /** @throws EngineError BACKEND_LOST */
  check(way: Way): void {
    const mistake = this.mistake(way);
    if (mistake === null) return;
    const { found, expected } = mistake;
    throw new EngineError(
      'BACKEND_LOST',
      `The CPU kernels give wrong results in this version of V8: ${found} instead of ${expected}. ` +
        'Update Tokenscope or the browser. In a terminal, use --executor reference.',
      { sums: way.sums, ...mistake },
    );
  }

  /** The first wrong output; null if all are exact. */
  mistake(way: Way): Mistake | null {
    // Many rows, few and one have different kernels, the last two with either number of streams.
    let mistake = this.wrong(way, ROWS, 0, ROWS);
    for (const streams of STREAM_COUNTS) {
      this.memory.i32[(this.at.run + L.RUN_STREAMS) / 4] = streams;
      mistake ??= this.wrong(way, FEW_ROWS, 0, FEW_ROWS) ?? this.wrong(way, 1, ROWS - 1, ROWS);
    }
    return mistake;
  }

  /** @param rows that are multiplied at once @param first of the rows to compare, and of their output */
  private wrong(way: Way, rows: number, first: number, end: number): Mistake | null {
    this.multiply(way, rows);
    for (let row = first; row < end; row++) {
      for (let output = 0; output < COMPARED; output++) {
        let expected = 0;
        for (let i = 0; i < INPUTS; i++) expected += activation(row, i) * (nibble(output * INPUTS + i) - 8);
        const found = this.memory.f32[(this.at.y + (row - first) * strideOf(OUTPUTS)) / 4 + output];
        if (found !== expected) return { row, output, found, expected };
      }
    }
    return null;
  }

  /** Rate of single rows in billion multiply-adds per second. */
  time(way: Way, clock: Clock): number {
    const end = clock.now() + TRIAL_MS;
    let best = Infinity;
    while (clock.now() < end) {
      const started = clock.now();
      for (let i = 0; i < 20; i++) this.multiply(way, 1);
      best = Math.min(best, clock.now() - started);
    }
    return (20 * INPUTS * OUTPUTS) / best / 1e6;
  }

  private multiply({ kernels, sums }: Way, rows: number): void {
    const layout: WeightLayout = nibbleLayout(sums);
    // The single row is stored after the rows of the batch.
    const x = this.at.x + (rows === 1 ? (ROWS - 1) * quantizedStride(INPUTS) : 0);
    this.execute(kernels, rows, [
      [L.OP_CODE, L.LINEAR],
      [L.OP_X, x],
      [L.OP_X_STRIDE, quantizedStride(INPUTS)],
      [L.OP_WIDTH, INPUTS],
      [L.OP_Y, this.at.y],
      [L.OP_Y_STRIDE, strideOf(OUTPUTS)],
      [L.OP_OUTPUTS, OUTPUTS],
      [L.OP_WEIGHT, this.at.weights],
      [L.OP_LAYOUT, layout.id],
      [L.OP_ZERO, layout.zero],
    ]);
  }

  private execute(kernels: KernelExports, rows: number, fields: readonly (readonly [number, number])[]): void {
    const op: PlanOp = new Map(fields);
    const { plan, run, pool } = this.at;
    this.memory.i32[(run + L.RUN_ROWS) / 4] = rows;
    writePlan([op], this.memory, plan);
    kernels.runPlan(plan, 1, run, pool);
  }
}

/** An integer; the first of each block of 32 is the largest possible, so that scales are 1. */
function activation(row: number, i: number): number {
  if (i % 32 === 0) return 127;
  return i % 5 === row ? -127 : ((i * 37 + row * 11) % 255) - 127;
}

/** Code of one weight. Some blocks consist of the largest code only. */
function nibble(index: number): number {
  return index % 96 < 32 ? 15 : (index * 7 + (index >> 5)) & 15;
}
