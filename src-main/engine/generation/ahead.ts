import { type LogitsHandle, MOST_IN_FLIGHT } from '../executors/executor.ts';
import type { CancelToken } from '../api/platform.ts';
import type { Logits } from '../sampling/logits.ts';
import type { NextChoice } from '../sampling/next-choice.ts';
import { TopLogits } from '../sampling/top-logits.ts';
import type { ChosenRuns, TokenWindow } from './context-window.ts';

/** Runs beside the one that the sampler waits for. */
const MOST_AHEAD = MOST_IN_FLIGHT - 1;
/** Tokens without runs in flight after a wrong one. */
const PAUSE = 16;

export interface AheadJob {
  context: TokenWindow;
  /** Tokens that the window can hold. */
  contextSize: number;
  /** How a later token is probably drawn, 0 for the next; null if that is not known. */
  choose(draw: number): NextChoice | null;
  cancel: CancelToken;
}

/** A run that was started before its token was drawn. */
interface Started {
  /** Of its token. */
  readonly position: number;
  readonly result: Promise<LogitsHandle>;
}

/**
 * Runs in flight: while the sampler draws a token, the executor computes with the tokens that it chose itself. The sampler
 * draws as usual, so the reply is the same: if it draws another token, or the reply stops, the runs are dropped with what
 * they stored in the window. This hides the time that submitting and reading back take.
 */
export class Ahead {
  /** In the order of their tokens. */
  private started: Started[] = [];
  /** Token that the executor chose for the first of them. */
  private chosen: number | undefined;
  private pause = 0;

  constructor(private readonly job: AheadJob) {}

  /**
   * Runs the last of `ids`, or waits for the run that was started for it.
   * @param isNext whether the window holds all others
   * @returns the best logits, or null if the caller must run it
   * @throws EngineError CANCELLED
   */
  async after(ids: readonly number[], isNext: boolean): Promise<Logits | null> {
    const { context, cancel } = this.job;
    const { chosen } = context;
    const last = ids.length - 1;
    const [first] = this.started;
    if (first !== undefined) {
      if (first.position === last && this.chosen === ids[last]) {
        this.started.shift();
        chosen!.name(last, ids[last]);
        this.start(chosen!);
        try {
          return await this.lent(ids, first.result);
        } catch (error) {
          // What the run stored is undefined. Later runs are dropped at the end.
          context.truncate(last);
          throw error;
        }
      }
      await this.drop();
      this.pause = PAUSE;
    }
    if (this.pause > 0) this.pause--;
    const choose = this.job.choose(0);
    if (!chosen || !isNext || this.pause > 0 || choose === null) return null;
    const outputs = { logits: [0], lend: true, bestFirst: true, choose };
    const running = context.run(ids.slice(last), outputs, cancel).then(({ logits }) => logits[0]);
    this.start(chosen);
    return await this.lent(ids, running);
  }

  /** Whether a token that was not drawn yet is in the window. */
  get isRunning(): boolean {
    return this.started.length > 0;
  }

  /** Waits for the runs, and drops their tokens. */
  async drop(): Promise<void> {
    const { started } = this;
    this.started = [];
    if (started.length === 0) return;
    await Promise.allSettled(started.map(({ result }) => result));
    this.job.context.truncate(started[0].position);
  }

  /** Starts as many runs as may be in flight. */
  private start(chosen: ChosenRuns): void {
    const { context, contextSize, cancel } = this.job;
    while (this.started.length < MOST_AHEAD && context.length < contextSize) {
      // The first draw is for the run that the sampler waits for.
      const choose = this.job.choose(this.started.length + 1);
      if (choose === null) return;
      const position = context.length;
      const outputs = { logits: [0], lend: true, bestFirst: true, choose };
      const result = chosen.run(outputs, cancel).then(({ logits }) => logits[0]);
      // Reported if a token waits for it.
      result.catch(() => undefined);
      this.started.push({ position, result });
    }
  }

  private async lent(ids: readonly number[], running: Promise<LogitsHandle>): Promise<Logits> {
    const handle = await running;
    this.chosen = handle.chosen;
    const logits = await handle.lend();
    if (!(logits instanceof TopLogits)) return logits;
    // Later runs have overwritten the others: this one is repeated.
    logits.readAllWith(async () => {
      const { context, cancel } = this.job;
      const last = ids.length - 1;
      await this.drop();
      context.truncate(last);
      const repeated = await context.run(ids.slice(last), { logits: [0], lend: true }, cancel);
      return await repeated.logits[0].lend();
    });
    return logits;
  }
}
