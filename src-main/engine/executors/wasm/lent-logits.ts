import { EngineError } from '../../api/errors.ts';
import type { Logits } from '../../sampling/logits.ts';
import { selectTop } from '../../sampling/select-top.ts';
import type { LogitsHandle } from '../executor.ts';
import type { KernelMemory } from './kernel-memory.ts';
import type { KernelExports } from './kernels.ts';

/** Up to here the kernel's short list is faster than `selectTop`, which looks at one value after the other. */
const SHORT_LIST = 128;

/** Where the kernels wrote the logits of a row, and with what they are computed with. */
export interface LogitsPlace {
  readonly kernels: Pick<KernelExports, 'logitExponentials' | 'logitsBefore' | 'topLogits'>;
  readonly memory: KernelMemory;
  /** Addresses of the logits, and of what the plan found out about them. */
  readonly at: number;
  readonly sums: number;
  readonly count: number;
}

/** ln of the sum of exp(logit), relative error of the sum below 1e-6; NaN when one is NaN or none is finite. */
export function logSumAt({ kernels, sums, count }: LogitsPlace, highest: number): number {
  return highest + Math.log(kernels.logitExponentials(sums, count, highest));
}

function valuesAt({ memory, at, count }: LogitsPlace): Float32Array {
  return memory.f32.subarray(at / 4, at / 4 + count);
}

/** Ids of the k highest logits, best first; of equal ones the lower id comes first. */
export function topAt(place: LogitsPlace, k: number): Int32Array {
  const { kernels, memory, at, sums, count } = place;
  const wanted = Math.max(0, Math.min(k, count));
  if (wanted === 0 || wanted > SHORT_LIST) return selectTop(valuesAt(place), count, wanted);
  // Between runs the region of runs is free, and the run that wrote the logits took more: memory does not grow.
  const ids = memory.reserve(4 * wanted, 'the best logits');
  kernels.topLogits(at, sums, count, wanted, ids);
  return memory.i32.slice(ids / 4, ids / 4 + wanted);
}

/** Logits where the kernels wrote them, until they run again. */
export class LentLogits implements Logits, LogitsHandle {
  private readonly held: Float32Array;
  /** The longest list that was asked for. */
  private best: Int32Array = new Int32Array(0);
  private sum: number | null = null;

  /** @param lent whether the kernels have not run since */
  constructor(
    private readonly place: LogitsPlace,
    private readonly lent: () => boolean,
  ) {
    this.held = valuesAt(place);
  }

  get values(): Float32Array {
    this.current();
    return this.held;
  }

  logSum(): number {
    this.sum ??= logSumAt(this.current(), this.values[this.top(1)[0]]);
    return this.sum;
  }

  top(k: number): Int32Array {
    const place = this.current();
    if (this.best.length < Math.min(k, place.count)) this.best = topAt(place, k);
    return this.best.subarray(0, Math.max(0, k));
  }

  before(id: number): number {
    const found = this.best.indexOf(id);
    if (found !== -1) return found;
    const { kernels, at, count } = this.current();
    return kernels.logitsBefore(at, count, id);
  }

  async read(): Promise<Float32Array> {
    return this.values.slice();
  }

  async lend(): Promise<this> {
    this.current();
    return this;
  }

  private current(): LogitsPlace {
    if (this.lent()) return this.place;
    throw new EngineError('INTERNAL', 'Borrowed logits were read after the executor ran again.');
  }
}
