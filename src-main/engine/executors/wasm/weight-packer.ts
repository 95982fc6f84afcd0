/** Packs rows of a file into a kernel memory, on all threads. */
import type { KernelInstance } from './kernels.ts';
import { execute } from './parts.ts';
import * as L from './plan-layout.ts';
import { type PlanOp, writePlan } from './plan.ts';
import type { ThreadPool } from './thread-pool.ts';
import type { Packing, WeightLayout } from './weight-layouts.ts';
import type { PackedWeight, PackTarget } from './weights.ts';

/** Rows of a file in memory, `stride` bytes each. */
export interface StoredRows {
  readonly at: number;
  readonly stride: number;
  readonly rows: number;
}

/** Bytes of the plan and the header of its run. */
const HEAD = 512;

export class WeightPacker {
  constructor(
    private readonly instance: KernelInstance,
    private readonly part: number,
    private readonly pool: ThreadPool,
  ) {}

  /**
   * Packs a slice of a tensor. Slices of a tensor come in order.
   * @param slice whole rows of `width` values
   * @throws EngineError OUT_OF_MEMORY, BACKEND_LOST
   */
  pack(
    { layout, convert }: Packing,
    width: number,
    { bytes: stored, firstRow, rows }: { bytes: Uint8Array; firstRow: number; rows: number },
    targets: readonly PackTarget[],
  ): void {
    const { memory } = this.instance;
    const bytes = convert(stored, rows, width);
    const stride = bytes.length / rows;
    const plan = memory.reserve(HEAD + bytes.length, 'loading weights');
    memory.u8.set(bytes, plan + HEAD);
    for (const { view, place } of targets) {
      const from = Math.max(firstRow, view.firstRow);
      const to = Math.min(firstRow + rows, view.firstRow + view.shape[0]);
      if (from >= to) continue;
      const source = { at: plan + HEAD + (from - firstRow) * stride, stride, rows: to - from };
      this.packInto(plan, layout, place, from - view.firstRow, view.shape[0], source);
    }
  }

  /**
   * @param first row of the matrix @param height rows of the matrix
   */
  private packInto(
    plan: number,
    layout: WeightLayout,
    place: PackedWeight,
    first: number,
    height: number,
    source: StoredRows,
  ): void {
    const { memory, kernels } = this.instance;
    const run = plan + 2 * L.OP_BYTES;
    const end = first + source.rows;
    const panel = first >> 3;
    const pack = packOp(layout, place, first, source);
    // A panel is raised once it is complete.
    const complete = (end === height ? Math.ceil(end / 8) : end >> 3) - panel;
    const raise: PlanOp = new Map([
      ...pack,
      [L.OP_CODE, L.RAISE],
      [L.OP_FLAGS, L.FLAG_BARRIER],
      [L.OP_PANELS, complete],
    ]);
    const ops = place.raised > 0 && complete > 0 ? [pack, raise] : [pack];
    writePlan(ops, memory, plan);
    memory.i32.fill(0, run / 4, (run + L.RUN_BYTES) / 4);
    execute(kernels, { at: plan, ops }, run, this.part, this.pool, this.pool.threads);
    if (memory.i32[(run + L.RUN_TOO_LARGE) / 4] === 0) return;
    kernels.lowerPanels(layout.id, place.at, place.width, 0, panel);
    place.raised = 0;
  }
}

/** Packs rows of a file into a matrix, as its rows from `first` on. */
export function packOp(
  layout: WeightLayout,
  place: Pick<PackedWeight, 'at' | 'width' | 'raised'>,
  first: number,
  source: StoredRows,
): PlanOp {
  const panel = first >> 3;
  return new Map([
    [L.OP_CODE, L.PACK],
    [L.OP_WEIGHT, place.at],
    [L.OP_WIDTH, place.width],
    [L.OP_LAYOUT, layout.id],
    [L.OP_RAISED, place.raised],
    [L.OP_PANEL, panel],
    [L.OP_PANELS, Math.ceil((first + source.rows) / 8) - panel],
    [L.OP_PACKING, layout.packing],
    [L.OP_X, source.at],
    [L.OP_X_STRIDE, source.stride],
    [L.OP_FIRST_ROW, first],
    [L.OP_ROWS, source.rows],
  ]);
}
