/**
 * Which kernels multiply on this machine: asks how its dot product reads 8-bit codes, checks that each kind of kernel
 * computes exactly, and where more than one may be the fastest, lets them run.
 */
import { EngineError } from '../../errors.ts';
import type { Clock } from '../../platform.ts';
import { Q4_0 } from '../../quant/q4_0.ts';
import { rowBytes } from '../../quant/block-type.ts';
import { writeF16 } from '../../quant/float16.ts';
import type { KernelMemory } from './kernel-memory.ts';
import type { KernelExports } from './kernels.ts';
import { type Measured, type MeasureOnce, whenMeasured } from './measure-once.ts';
import * as L from './plan-layout.ts';
import { type PlanOp, quantizedStride, strideOf, writePlan } from './plan.ts';
import { DOT_KINDS, type DotTraits, nibbleLayout, type WeightLayout } from './weight-layouts.ts';

export interface DotChoice extends DotTraits {
  /** For a person. */
  readonly reason: string;
}

const INPUTS = 512;
const OUTPUTS = 256;
/** Four that are multiplied together and one alone. */
const ROWS = 5;
/** Outputs of each row that are compared. */
const COMPARED = 16;
/** Time of each kind, ms: V8 needs some of it to compile with its better compiler. */
const TRIAL_MS = 40;

/** Once for each module of this process: the machine stays the same. */
const choices = new WeakMap<WebAssembly.Module, DotChoice>();

/**
 * @param memory lends room until its next `reserve`
 * @param clock left out, nothing is timed, and sums have 32 bits
 * @param once spares the timing, and never the checks, where it was done before
 * @throws EngineError BACKEND_LOST when this machine's WebAssembly computes wrongly
 */
export async function chooseDot(
  module: WebAssembly.Module,
  kernels: KernelExports,
  memory: KernelMemory,
  clock: Clock | undefined,
  once: MeasureOnce,
): Promise<DotChoice> {
  const known = choices.get(module);
  if (known) return known;
  const codes = DOT_KINDS[kernels.dotKind()];
  const trial = new Trial(kernels, memory);
  trial.check('i32');
  // An instruction for whole 8-bit codes sums in 32 bits by itself; nothing is faster.
  if (codes !== 'seven-bits') {
    return remember(module, { codes, sums: 'i32', reason: `dot products of ${codes} 8-bit codes are exact here` });
  }
  if (!clock || !kernels.hasShortSums()) {
    return remember(module, { codes, sums: 'i32', reason: 'the only kernels for this processor' });
  }
  trial.check('i16');
  // The best of many, both on one thread: what else the machine does changes little.
  const time = (): Measured => ({ values: [trial.time('i32', clock), trial.time('i16', clock)], clear: true });
  const { values, before } = await once(`sums of ${codes}`, time);
  const [long, short] = values;
  const [longText, shortText] = values.map((rate) => rate.toFixed(0));
  const rates = `${shortText} thousand million multiply-adds a second with sums of 16 bits, ${longText} with 32`;
  return remember(module, {
    codes,
    sums: short > long ? 'i16' : 'i32',
    reason: `${whenMeasured(before)}: ${rates}`,
  });
}

function remember(module: WebAssembly.Module, choice: DotChoice): DotChoice {
  choices.set(module, choice);
  return choice;
}

type Sums = DotTraits['sums'];

/** A matrix of Q4_0 whose products with the activations are exact in float32. */
class Trial {
  private readonly at: { plan: number; run: number; pool: number; x: number; y: number; weights: number };

  constructor(
    private readonly kernels: KernelExports,
    private readonly memory: KernelMemory,
  ) {
    const sizes = {
      plan: L.OP_BYTES,
      run: L.RUN_BYTES,
      pool: L.POOL_BYTES,
      floats: ROWS * strideOf(INPUTS),
      x: ROWS * quantizedStride(INPUTS),
      y: ROWS * strideOf(OUTPUTS),
      tile: 4096 + 32 * INPUTS,
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
    this.execute(ROWS, [
      [L.OP_CODE, L.QUANTIZE],
      [L.OP_X, floats],
      [L.OP_X_STRIDE, strideOf(INPUTS)],
      [L.OP_WIDTH, INPUTS],
      [L.OP_Y, x],
      [L.OP_Y_STRIDE, quantizedStride(INPUTS)],
    ]);
  }

  /** @throws EngineError BACKEND_LOST */
  check(sums: Sums): void {
    this.multiply(sums, ROWS);
    this.compare(sums, 0);
    // A row alone has kernels of its own.
    this.multiply(sums, 1);
    this.compare(sums, ROWS - 1);
  }

  /** @param first of the rows that were multiplied last; the others follow it */
  private compare(sums: Sums, first: number): void {
    for (let row = first; row < ROWS; row++) {
      for (let output = 0; output < COMPARED; output++) {
        let expected = 0;
        for (let i = 0; i < INPUTS; i++) expected += activation(row, i) * (nibble(output * INPUTS + i) - 8);
        const found = this.memory.f32[(this.at.y + (row - first) * strideOf(OUTPUTS)) / 4 + output];
        if (found === expected) continue;
        throw new EngineError(
          'BACKEND_LOST',
          `The CPU kernels compute wrongly in this version of V8: ${found} instead of ${expected}. ` +
            'Load the model with the reference executor.',
          { sums, row, output, found, expected },
        );
      }
    }
  }

  /** Thousand million multiply-adds per second of single rows. */
  time(sums: Sums, clock: Clock): number {
    const end = clock.now() + TRIAL_MS;
    let best = Infinity;
    while (clock.now() < end) {
      const started = clock.now();
      for (let i = 0; i < 20; i++) this.multiply(sums, 1);
      best = Math.min(best, clock.now() - started);
    }
    return (20 * INPUTS * OUTPUTS) / best / 1e6;
  }

  private multiply(sums: Sums, rows: number): void {
    const layout: WeightLayout = nibbleLayout(sums);
    // A row alone lies behind those that lie together.
    const x = this.at.x + (rows === 1 ? (ROWS - 1) * quantizedStride(INPUTS) : 0);
    this.execute(rows, [
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

  private execute(rows: number, fields: readonly (readonly [number, number])[]): void {
    const op: PlanOp = new Map(fields);
    const { plan, run, pool } = this.at;
    this.memory.i32[(run + L.RUN_ROWS) / 4] = rows;
    writePlan([op], this.memory, plan);
    this.kernels.runPlan(plan, 1, run, pool);
  }
}

/** Whole numbers; the first of each block of 32 is the largest there can be, so that scales are 1. */
function activation(row: number, i: number): number {
  if (i % 32 === 0) return 127;
  return i % 5 === row ? -127 : ((i * 37 + row * 11) % 255) - 127;
}

/** Code of one weight; whole blocks of the largest one are among them. */
function nibble(index: number): number {
  return index % 96 < 32 ? 15 : (index * 7 + (index >> 5)) & 15;
}
