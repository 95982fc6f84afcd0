import { PlainLogits } from '../sampling/logits.ts';
import type { LogitsHandle } from './executor.ts';

/** A handle on logits that lie in this thread's memory. */
export class HostLogits implements LogitsHandle {
  private readonly logits: PlainLogits;

  /**
   * @param values `[vocabulary]`, owned by the handle
   * @param logSum of all values, where it is known already
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
