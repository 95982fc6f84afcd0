import { EngineError } from '../../api/errors.ts';
import type { Logits } from '../../sampling/logits.ts';
import { selectTop } from '../../sampling/select-top.ts';
import type { LogitsHandle } from '../executor.ts';
import type { KernelMemory } from './kernel-memory.ts';
import type { KernelExports } from './kernels.ts';

/** Up to this length the kernel's list is faster than `selectTop`, which reads one value after the other. */
const SHORT_LIST = 128;

type LogitKernels = Pick<
  KernelExports,
  'finiteLogits' | 'logitExponentials' | 'logitsBefore' | 'logitWeights' | 'topLogits'
>;

/** Where the kernels wrote a row of logits, and the instance that computed them. */
export interface LogitsLocation {
  readonly kernels: LogitKernels;
  readonly memory: KernelMemory;
  /** Addresses of the logits, of their block statistics, and of memory for their weights. */
  readonly at: number;
  readonly sums: number;
  readonly weights: number;
  readonly count: number;
}

/** ln of the sum of exp(logit), relative error of the sum below 1e-6; NaN when one is NaN or none is finite. */
export function logSumAt({ kernels, sums, count }: LogitsLocation, highest: number): number {
  return highest + Math.log(kernels.logitExponentials(sums, count, highest));
}

function valuesAt({ memory, count }: LogitsLocation, at: number): Float32Array {
  return memory.f32.subarray(at / 4, at / 4 + count);
}

/** Ids of the k highest logits, best first; ties in order of id. */
export function topAt(location: LogitsLocation, k: number): Int32Array {
  const { kernels, memory, at, sums, count } = location;
  const wanted = Math.max(0, Math.min(k, count));
  if (wanted === 0 || wanted > SHORT_LIST) return selectTop(valuesAt(location, at), count, wanted);
  // Between runs the scratch region is free, and the last run took more than this, so memory does not grow.
  const ids = memory.reserve(4 * wanted, 'the best logits');
  kernels.topLogits(at, sums, count, wanted, ids);
  return memory.i32.slice(ids / 4, ids / 4 + wanted);
}

/** Logits in kernel memory, valid until the kernels run again. */
export class LentLogits implements Logits, LogitsHandle {
  private readonly held: Float32Array;
  /** The longest list requested so far. */
  private best: Int32Array = new Int32Array(0);
  private sum: number | null = null;

  /** @param lent whether the kernels have not run since */
  constructor(
    private readonly location: LogitsLocation,
    private readonly lent: () => boolean,
  ) {
    this.held = valuesAt(location, location.at);
  }

  get values(): Float32Array {
    this.current();
    return this.held;
  }

  get size(): number {
    return this.location.count;
  }

  get known(): number {
    return this.location.count;
  }

  has(): boolean {
    return true;
  }

  at(id: number): number {
    return this.values[id];
  }

  async all(): Promise<this> {
    this.current();
    return this;
  }

  logSum(): number {
    this.sum ??= logSumAt(this.current(), this.values[this.top(1)[0]]);
    return this.sum;
  }

  top(k: number): Int32Array {
    const location = this.current();
    if (this.best.length < Math.min(k, location.count)) this.best = topAt(location, k);
    return this.best.subarray(0, Math.max(0, k));
  }

  before(id: number): number {
    const found = this.best.indexOf(id);
    if (found !== -1) return found;
    const { kernels, at, count } = this.current();
    return kernels.logitsBefore(at, count, id);
  }

  countFinite(divisor: number): number {
    const { kernels, at, count } = this.current();
    return kernels.finiteLogits(at, count, divisor);
  }

  weigh(divisor: number, highest: number, into: Float32Array): void {
    const location = this.current();
    const { kernels, at, weights, count } = location;
    kernels.logitWeights(at, count, divisor, highest, weights);
    into.set(valuesAt(location, weights));
  }

  async read(): Promise<Float32Array> {
    return this.values.slice();
  }

  async lend(): Promise<this> {
    this.current();
    return this;
  }

  private current(): LogitsLocation {
    if (this.lent()) return this.location;
    throw new EngineError('INTERNAL', 'Borrowed logits were read after the executor ran again.');
  }
}
