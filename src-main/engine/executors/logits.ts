import { PlainLogits } from '../sampling/logits.ts';
import type { LogitsHandle } from './executor.ts';

/** A handle on logits in this thread's memory. */
export class HostLogits implements LogitsHandle {
  private readonly logits: PlainLogits;

  /**
   * @param values `[vocabulary]`, owned by the handle
   * @param logSum log-sum-exp of all values, if known
   */
  constructor(values: Float32Array, logSum: number | null = null) {
    this.logits = new PlainLogits(values, logSum);
  }

  read(): Promise<Float32Array> {
    return Promise.resolve(this.logits.values);
  }

  lend(): Promise<PlainLogits> {
    return Promise.resolve(this.logits);
  }
}
