import { EngineError } from '../../api/errors.ts';
import type { CancelToken } from '../../api/platform.ts';
import { type MemoryPlan, planMemory } from '../../program/memory-plan.ts';
import type { Program } from '../../program/program.ts';
import type { WeightStore, WeightView } from '../../program/weights.ts';
import { checkBatch } from '../batch.ts';
import { bytesText } from '../bytes-text.ts';
import type { Batch, CellBlock, Executor, LogitsHandle, Outputs, RunResult, TapTensor } from '../executor.ts';
import { HostLogits } from '../logits.ts';
import { KERNELS } from './kernels.ts';
import { ReferenceCellAccess } from './reference-cell-access.ts';
import type { RunState } from './run-state.ts';

export interface ReferenceExecutorOptions {
  /** Cells of K and V storage, which also limits the batch. */
  readonly cells: number;
}

/**
 * The plain executor: float32 storage, one function per operation, sums in double precision. It is the oracle for every
 * other executor, so correctness comes before speed.
 *
 * A token gives the same bits however a prompt is split into batches and whatever else is in its batch.
 */
export function createReferenceExecutor(
  program: Program,
  weights: WeightStore,
  options: ReferenceExecutorOptions,
): Executor {
  return new ReferenceExecutor(program, weights, options.cells);
}

class ReferenceExecutor implements Executor {
  readonly name = 'reference';
  readonly failed = false;
  readonly kernels = null;
  computedTokens = 0;
  readonly cellAccess: ReferenceCellAccess;
  private readonly ownBytes: MemoryPlan['bytes'];
  private storage: Storage | null;
  private block: ReferenceBlock | null = null;

  constructor(
    private readonly program: Program,
    weights: WeightStore,
    private readonly cells: number,
  ) {
    const plan = planMemory(program, { cells, rows: cells });
    this.ownBytes = plan.bytes;
    this.storage = allocate(program, weights, plan, cells);
    const { keys, values } = this.storage;
    const tensors = keys.flatMap((layer, i) => [layer, values[i]]);
    this.cellAccess = new ReferenceCellAccess(tensors, cells);
  }

  get memoryBytes(): MemoryPlan['bytes'] {
    const { kvCache, ...others } = this.ownBytes;
    return { ...others, kvCache: kvCache + (this.block?.bytes ?? 0) };
  }

  // Async so that errors arrive as rejections, though the work is synchronous.
  async run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    if (!this.storage) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    const { block } = batch;
    if (block && block !== this.block) throw new EngineError('INTERNAL', 'That block was released.');
    const program = outputs.program ?? this.program;
    checkBatch(program, block?.cells ?? this.cells, batch, outputs);
    if (batch.tokens.length > this.cells) {
      throw new EngineError('INTERNAL', `A batch has ${batch.tokens.length} rows; at most ${this.cells} fit.`);
    }
    this.computedTokens += batch.tokens.length;
    const own = program === this.program ? null : activationsOf(program, batch.tokens.length);
    const storage = block || own ? { ...this.storage, ...(block ? this.block : null), ...own } : this.storage;
    const run = new ReferenceRun(program, storage, batch, outputs, cancel);
    for (const op of program.ops) {
      run.poll();
      // The table's type pairs each name with its own kernel; the compiler cannot follow that through a union.
      KERNELS[op.op](op as never, run);
      if (op.output === null) continue;
      const { width, taps } = program.tensors[op.output];
      for (const tap of taps) {
        // A copy, because the buffer is reused.
        if (run.taps.has(tap)) run.keep(tap, [batch.tokens.length, width], run.activation(op.output).slice());
      }
    }
    return run.result();
  }

  async allocateCells(cells: number): Promise<CellBlock> {
    if (!this.storage) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    if (this.block) throw new EngineError('INTERNAL', 'A block of cells is in use already.');
    this.block = new ReferenceBlock(this.program, this.storage, cells, () => (this.block = null));
    return this.block;
  }

  dispose(): Promise<void> {
    this.block = null;
    this.storage = null;
    return Promise.resolve();
  }
}

/** K and V, per layer `[cells, kvWidth]` each. */
interface KvStorage {
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
}

/** Memory that outlives a run. */
interface Storage extends KvStorage {
  readonly weights: WeightStore;
  /** Buffer of each activation: at least `[cells, width]`. */
  readonly activations: readonly Float32Array[];
}

class ReferenceBlock implements CellBlock, KvStorage {
  readonly bytes: number;
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];

  /** @throws EngineError OUT_OF_MEMORY */
  constructor(
    program: Program,
    private readonly own: KvStorage,
    readonly cells: number,
    readonly release: () => void,
  ) {
    const kvCache = planMemory(program, { cells, rows: 0 }).bytes.kvCache;
    const { keys, values } = orOutOfMemory(() => allocateKv(program, cells), { kvCache, scratch: 0, cells });
    this.bytes = kvCache;
    this.keys = keys;
    this.values = values;
  }

  copy(cells: Int32Array): void {
    const copyOf = (from: Float32Array, to: Float32Array) => {
      const width = to.length / this.cells;
      cells.forEach((cell, i) => to.set(from.subarray(cell * width, (cell + 1) * width), i * width));
    };
    this.own.keys.forEach((from, layer) => copyOf(from, this.keys[layer]));
    this.own.values.forEach((from, layer) => copyOf(from, this.values[layer]));
  }
}

function allocate(program: Program, weights: WeightStore, plan: MemoryPlan, cells: number): Storage {
  const { kvCache, scratch } = plan.bytes;
  return orOutOfMemory(
    () => {
      const buffers = plan.slotWidths.map((width) => new Float32Array(cells * width));
      return { weights, ...allocateKv(program, cells), activations: plan.slots.map((slot) => buffers[slot]) };
    },
    { kvCache, scratch, cells },
  );
}

/** The activations of one run of a variant. */
function activationsOf(program: Program, rows: number): Pick<Storage, 'activations'> {
  const { slots, slotWidths, bytes } = planMemory(program, { cells: 0, rows });
  return orOutOfMemory(
    () => {
      const buffers = slotWidths.map((width) => new Float32Array(rows * width));
      return { activations: slots.map((slot) => buffers[slot]) };
    },
    { kvCache: 0, scratch: bytes.scratch, cells: rows },
  );
}

function allocateKv(program: Program, cells: number): KvStorage {
  const storage = () => program.kvWidths.map((width) => new Float32Array(cells * width));
  return { keys: storage(), values: storage() };
}

/** @param needed bytes, for the message */
function orOutOfMemory<T>(allocate: () => T, needed: { kvCache: number; scratch: number; cells: number }): T {
  try {
    return allocate();
  } catch (cause) {
    // RangeError: what JavaScript throws when an array cannot be allocated.
    if (!(cause instanceof RangeError)) throw cause;
    const { kvCache, scratch, cells } = needed;
    throw new EngineError(
      'OUT_OF_MEMORY',
      `Out of memory for ${cells} tokens: ${bytesText(kvCache)} for the KV cache and ${bytesText(scratch)} of working space. Choose a smaller context.`,
      needed,
      { cause },
    );
  }
}

class ReferenceRun implements RunState {
  readonly logitRows: readonly number[];
  readonly taps: ReadonlySet<string>;
  private readonly inputs: Outputs['given'];
  private readonly kept = new Map<string, TapTensor>();
  private logits: Float32Array = new Float32Array(0);

  constructor(
    private readonly program: Program,
    private readonly storage: Storage,
    readonly batch: Batch,
    outputs: Outputs,
    private readonly cancel: CancelToken | undefined,
  ) {
    this.logitRows = outputs.logits;
    this.taps = new Set(outputs.taps);
    this.inputs = outputs.given;
  }

  activation(id: number): Float32Array {
    return this.storage.activations[id].subarray(0, this.batch.tokens.length * this.program.tensors[id].width);
  }

  given(name: string): Float32Array {
    const rows = this.inputs?.get(name);
    if (!rows) throw new EngineError('INTERNAL', `The run was not given ${name}.`);
    return rows;
  }

  weight(view: WeightView): Float32Array {
    return view.resolve(this.storage.weights).data;
  }

  keys(layer: number): Float32Array {
    return this.storage.keys[layer];
  }

  values(layer: number): Float32Array {
    return this.storage.values[layer];
  }

  keep(name: string, shape: readonly number[], data: Float32Array): void {
    this.kept.set(name, { shape, data });
  }

  setLogits(data: Float32Array): void {
    this.logits = data;
  }

  poll(): void {
    if (this.cancel?.cancelled) throw new EngineError('CANCELLED', 'The run was cancelled.');
  }

  result(): RunResult {
    const size = this.program.vocabularySize;
    const logits = this.logitRows.map(
      // One copy per row, so that a retained row does not retain all.
      (_, i): LogitsHandle => new HostLogits(this.logits.slice(i * size, (i + 1) * size)),
    );
    return { logits, taps: this.kept };
  }
}
