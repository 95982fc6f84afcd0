/** Exact speculation: the logits of several next tokens from one run. */
import type { LogitsHandle } from '../executors/executor.ts';
import type { CancelToken, Clock } from '../api/platform.ts';
import type { Speculation } from '../api/types.ts';
import type { Logits } from '../sampling/logits.ts';
import type { NextChoice } from '../sampling/next-choice.ts';
import { Ahead } from './ahead.ts';
import type { TokenWindow } from './context-window.ts';
import { DraftPayoff } from './draft-payoff.ts';
import type { Drafter } from './drafter.ts';
import type { HostYield } from './host-yield.ts';
import { lastRowsInSlices } from './prefill.ts';

/** Maximum drafted tokens: with the one before them, as many rows as the kernels keep logits of. */
const MAX_DRAFT = 7;
/** Tokens for which all logits are read once the best were not enough: reading the rest separately takes as long as a run. */
const RUNS_WITH_ALL = 16;

export interface LookaheadJob {
  context: TokenWindow;
  /** Tokens that the window can hold. */
  contextSize: number;
  /** Off: nothing is reused. */
  useKvCache: boolean;
  /** The token that the reply takes next, whatever is drawn; null if none is given. */
  given: number | null;
  /** Null for none: each run computes one token. */
  drafter: Drafter | null;
  /** How a later token is probably drawn, 0 for the next; null if that is not known. */
  choose(draw: number): NextChoice | null;
  clock: Clock;
  hostYield: HostYield;
  cancel: CancelToken;
}

/** A run whose later rows are drafts, or the given token. */
interface Verified {
  /** What was run, and what the window held before. */
  readonly ids: readonly number[];
  /** Index of the first drafted one. */
  readonly from: number;
  /** Whether it was given, so that nothing was guessed. */
  readonly isGiven: boolean;
  /** Logits after the token before `from`, and after each drafted one; lent until the next run. */
  readonly rows: readonly LogitsHandle[];
  readonly ms: number;
}

/**
 * Gives the logits after prompt and reply, token by token. If a drafter has a guess of the next tokens, they are run
 * together with the last one. Then the sampler draws as usual. While it draws the drafted tokens, their logits are there
 * already; when it draws another one, the rest is dropped. A batch gives the same bits as single tokens, and a draw uses
 * the same random numbers, so the reply is the same as without drafts.
 */
export class Lookahead {
  private verified: Verified | null = null;
  private readonly payoff = new DraftPayoff();
  /** Runs that read all logits, because the best were not enough. */
  private runsWithAll = 0;
  private drafted = 0;
  private accepted = 0;
  private isGivenRun = false;
  private readonly ahead: Ahead;

  constructor(private readonly job: LookaheadJob) {
    this.ahead = new Ahead({
      ...job,
      choose: (draw) => (this.runsWithAll > 0 || job.drafter ? null : job.choose(draw)),
    });
  }

  /**
   * Yields the length of the window after each slice but the last, as `lastRowsInSlices`.
   * @param ids what the model sees
   * @param sequence prompt and reply; more than `ids` after a context shift
   * @returns maybe only the best, lent until the next call
   * @throws EngineError CANCELLED
   */
  async *after(ids: readonly number[], sequence: readonly number[]): AsyncGenerator<number, Logits> {
    const { context, hostYield, cancel } = this.job;
    const known = this.rowAfter(ids);
    if (known !== undefined) return await known.lend();
    this.settle(ids);
    if (!this.ahead.isRunning) this.reuse(ids);
    const given = this.takeGiven(ids);
    const started = given.length > 0 ? null : await this.ahead.after(ids, this.isNext(ids));
    if (started) return started;
    this.reuse(ids);
    const isNext = this.isNext(ids) && given.length === 0;
    const draft = isNext ? await this.draft(ids, sequence) : given;
    const since = this.job.clock.now();
    const bestFirst = this.runsWithAll === 0;
    if (!bestFirst) this.runsWithAll--;
    const asked = draft.length === 0 ? ids : [...ids, ...draft];
    const rows = yield* lastRowsInSlices(asked, { context, hostYield, cancel, rows: draft.length + 1, bestFirst });
    const ms = this.job.clock.now() - since;
    if (draft.length > 0) {
      if (isNext) this.drafted += draft.length;
      this.verified = { ids: asked, from: ids.length, isGiven: !isNext, rows, ms };
    }
    const logits = await rows[0].lend();
    if (isNext && draft.length === 0) this.payoff.notePlain(this.job.clock.now() - since);
    return logits;
  }

  /** Notes that a draw took more than the best logits. */
  noteMissing(): void {
    this.runsWithAll = RUNS_WITH_ALL;
  }

  /** Removes what was not accepted from the window. @param ids what the model saw of the finished reply */
  async finish(ids: readonly number[]): Promise<void> {
    await this.ahead.drop();
    const { verified } = this;
    if (verified === null) return;
    this.settle(ids);
    this.job.context.truncate(commonLength(verified.ids, ids));
  }

  /** Undefined if nothing was drafted. */
  get speculation(): Speculation | undefined {
    const { drafted, accepted } = this;
    return drafted === 0 ? undefined : { drafted, accepted };
  }

  private reuse(ids: readonly number[]): void {
    if (this.job.useKvCache) this.job.context.reuse(ids);
    else this.job.context.clear();
  }

  /** Whether only the last of `ids` must be run. */
  private isNext(ids: readonly number[]): boolean {
    return this.job.useKvCache && this.job.context.length === ids.length - 1;
  }

  private rowAfter(ids: readonly number[]): LogitsHandle | undefined {
    const { verified } = this;
    if (verified === null || commonLength(verified.ids, ids) < ids.length) return undefined;
    return verified.rows[ids.length - verified.from];
  }

  /** The given token: it is run with those before it, as long as the window has room. */
  private takeGiven(ids: readonly number[]): readonly number[] {
    const { given, useKvCache, contextSize } = this.job;
    const isDue = !this.isGivenRun && given !== null && useKvCache && ids.length < contextSize;
    this.isGivenRun = true;
    return isDue ? [given] : [];
  }

  private draft(ids: readonly number[], sequence: readonly number[]): readonly number[] | Promise<readonly number[]> {
    const { drafter, contextSize } = this.job;
    const most = Math.min(MAX_DRAFT, contextSize - ids.length);
    return drafter === null || most < 1 || !this.payoff.isWorthTrying() ? [] : drafter.draft(sequence, most);
  }

  /** Counts what was accepted of the last draft, and forgets its logits. */
  private settle(ids: readonly number[]): void {
    const { verified } = this;
    this.verified = null;
    if (verified === null || verified.isGiven) return;
    const accepted = Math.max(0, commonLength(verified.ids, ids) - verified.from);
    this.accepted += accepted;
    this.payoff.noteDrafted(1 + accepted, verified.ms);
  }
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const limit = Math.min(a.length, b.length);
  let common = 0;
  while (common < limit && a[common] === b[common]) common++;
  return common;
}
