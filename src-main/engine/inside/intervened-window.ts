import type { CancelToken } from '../api/platform.ts';
import type { Outputs, RunResult } from '../executors/executor.ts';
import type { TokenWindow } from '../generation/context-window.ts';
import type { Program } from '../program/program.ts';

/**
 * A window that runs another program than the model's own. The caller chooses a variant for it (`switchTo`) and clears it at
 * the end. Without the causal mask, earlier tokens depend on later ones, so every run computes the whole sequence.
 */
export class IntervenedWindow implements TokenWindow {
  /** Without the causal mask: tokens that were appended. */
  private held: number[] = [];

  constructor(
    private readonly window: TokenWindow,
    private readonly program: Program,
    private readonly causal: boolean,
  ) {
    window.fresh();
  }

  get length(): number {
    return this.causal ? this.window.length : this.held.length;
  }

  /** Never reuses any: the sequence may have been run by another program. */
  reuse(): number {
    this.clear();
    return 0;
  }

  fresh(): void {
    this.clear();
  }

  clear(): void {
    this.held = [];
    this.window.clear();
  }

  truncate(length: number): void {
    if (this.causal) this.window.truncate(length);
    else this.held = this.held.slice(0, length);
  }

  async run(ids: readonly number[], outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    const { program } = this;
    if (this.causal) return this.window.run(ids, { ...outputs, program }, cancel);
    const before = this.held.length;
    this.held = [...this.held, ...ids];
    // A later run, which has more tokens, computes these again.
    if (outputs.logits.length === 0) return { logits: [], taps: new Map() };
    this.window.clear();
    try {
      const logits = outputs.logits.map((row) => before + row);
      return await this.window.run(this.held, { ...outputs, logits, program }, cancel);
    } catch (error) {
      this.held = this.held.slice(0, before);
      throw error;
    }
  }
}
