import { EngineError } from '../../api/errors.ts';
import type { CancelToken } from '../../api/platform.ts';
import { type MemoryPlan, planMemory } from '../../program/memory-plan.ts';
import type { Program } from '../../program/program.ts';
import type { WeightStore, WeightView } from '../../program/weights.ts';
import { checkBatch } from '../batch.ts';
import type { Batch, Executor, LogitsHandle, Outputs, RunResult, TapTensor } from '../executor.ts';
import { HostLogits } from '../logits.ts';
import { KERNELS } from './kernels.ts';
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
  readonly memoryBytes: MemoryPlan['bytes'];
  private storage: Storage | null;

  constructor(
    private readonly program: Program,
    weights: WeightStore,
    private readonly cells: number,
  ) {
    const plan = planMemory(program, { cells, rows: cells });
    this.memoryBytes = plan.bytes;
    this.storage = allocate(program, weights, plan, cells);
  }

  // Async so that errors arrive as rejections, though the work is synchronous.
  async run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    if (!this.storage) throw new EngineError('NO_MODEL', 'The model was unloaded. Load it again.');
    checkBatch(this.program, this.cells, batch, outputs);
    const run = new ReferenceRun(this.program, this.storage, batch, outputs, cancel);
    for (const op of this.program.ops) {
      run.poll();
      // The table's type pairs each name with its own kernel; the compiler cannot follow that through a union.
      KERNELS[op.op](op as never, run);
      if (op.output === null) continue;
      const { width, taps } = this.program.tensors[op.output];
      for (const tap of taps) {
        // A copy, because the buffer is reused.
        if (run.taps.has(tap)) run.keep(tap, [batch.tokens.length, width], run.activation(op.output).slice());
      }
    }
    return run.result();
  }

  dispose(): Promise<void> {
    this.storage = null;
    return Promise.resolve();
  }
}

/** Memory that outlives a run. */
interface Storage {
  readonly weights: WeightStore;
  /** Per layer `[cells, kvWidth]`. */
  readonly keys: readonly Float32Array[];
  /** Per layer `[cells, kvWidth]`. */
  readonly values: readonly Float32Array[];
  /** Buffer of each activation: at least `[cells, width]`. */
  readonly activations: readonly Float32Array[];
}

function allocate(program: Program, weights: WeightStore, plan: MemoryPlan, cells: number): Storage {
  try {
    const buffers = plan.slotWidths.map((width) => new Float32Array(cells * width));
    return {
      weights,
      keys: program.kvWidths.map((width) => new Float32Array(cells * width)),
      values: program.kvWidths.map((width) => new Float32Array(cells * width)),
      activations: plan.slots.map((slot) => buffers[slot]),
    };
  } catch (cause) {
    // RangeError: what JavaScript throws when an array cannot be allocated.
    if (!(cause instanceof RangeError)) throw cause;
    const { kvCache, scratch } = plan.bytes;
    throw new EngineError(
      'OUT_OF_MEMORY',
      `Out of memory for the KV cache (${kvCache} bytes) and scratch (${scratch} bytes) of ${cells} tokens.`,
      { kvCache, scratch, cells },
      { cause },
    );
  }
}

class ReferenceRun implements RunState {
  readonly logitRows: readonly number[];
  readonly taps: ReadonlySet<string>;
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
  }

  activation(id: number): Float32Array {
    return this.storage.activations[id].subarray(0, this.batch.tokens.length * this.program.tensors[id].width);
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
