import { EngineError } from '../api/errors.ts';
import type { GenerateEvent, MovedReply, Speculation } from '../api/types.ts';
import type { Logits } from '../sampling/logits.ts';
import { RawDistribution } from '../sampling/raw-distribution.ts';
import { Removals } from '../sampling/removals.ts';
import { withEnough } from '../sampling/top-logits.ts';
import type { TokenWindow } from './context-window.ts';
import { describeCandidates } from './describe-candidates.ts';
import type { Draft } from './draft.ts';
import type { GenerateJob } from './generate.ts';
import type { DrawnToken } from './growing-reply.ts';
import type { HostYield } from './host-yield.ts';
import type { Interrupt } from './interrupt.ts';
import { Lookahead } from './lookahead.ts';
import { seen } from './shift.ts';
import type { ReplyTimer } from './stats.ts';

/** A token with what its distribution says about it. */
type SampledToken = Omit<DrawnToken, 'part' | 'latencyMs'>;

/**
 * Samples the tokens of a reply: computes the logits after prompt and reply, and draws from them. If the executor is
 * lost, it continues on another one.
 */
export class ReplySampler {
  private lookahead: Lookahead;
  /** What the model sees of the prompt. */
  private readonly firstSeen: readonly number[];
  private reusedTokens = 0;
  /** The token to take instead of drawing one. */
  private given: number | null;
  /** Those after the first `after` tokens; null before the first run, and after a move. */
  private logits: { readonly after: number; readonly values: Logits } | null = null;
  /** Whether the prompt is still to be processed. */
  private isFirst = true;

  constructor(
    private readonly job: GenerateJob,
    private readonly draft: Draft<DrawnToken>,
    private readonly timer: ReplyTimer,
    private readonly interrupt: Interrupt,
    private readonly hostYield: HostYield,
  ) {
    this.given = job.params.firstToken ?? null;
    this.firstSeen = seen(job, job.prompt.ids).ids;
    this.lookahead = this.lookaheadIn(job.context);
  }

  /** Prepares the window. @returns number of the prompt's tokens that are reused */
  begin(): number {
    const { context, params } = this.job;
    if (!params.useKvCache) context.fresh();
    this.reusedTokens = this.reuseIn(context);
    return this.reusedTokens;
  }

  /**
   * Samples the next token; `accept` must follow, unless it ends the text. Yields the progress of the prompt, and each
   * move to another executor.
   * @returns null when everything is ruled out here, as `Draft.draw`
   * @throws EngineError CANCELLED, and why nothing can be computed or drawn
   */
  async *next(): AsyncGenerator<GenerateEvent, SampledToken | null, undefined> {
    for (;;) {
      try {
        return await this.sample(yield* this.currentLogits());
      } catch (thrown) {
        yield { type: 'moved', ...(await this.move(EngineError.from(thrown))) };
      }
    }
  }

  /** Adds the sampled token to the reply. @returns as `Draft.accept` */
  accept(token: DrawnToken): DrawnToken[] | null {
    if (this.given === null) return this.draft.accept(token);
    this.given = null;
    // It was computed with the prompt.
    this.timer.waitsForPrefill();
    return this.draft.acceptGiven(token);
  }

  /** Removes from the window what the reply does not have. */
  finish(): Promise<void> {
    return this.lookahead.finish(seen(this.job, this.draft.sequence).ids);
  }

  /** Since the last move; undefined if nothing was drafted. */
  get speculation(): Speculation | undefined {
    return this.lookahead.speculation;
  }

  /** The logits after prompt and reply. */
  private async *currentLogits(): AsyncGenerator<GenerateEvent, Logits, undefined> {
    const { sequence } = this.draft;
    if (this.logits?.after === sequence.length) return this.logits.values;
    const since = this.job.platform.clock.now();
    const { ids } = seen(this.job, sequence);
    const slices = this.lookahead.after(ids, sequence);
    let slice = await slices.next();
    for (; !slice.done; slice = await slices.next()) {
      if (this.isFirst) yield { type: 'prefill', done: slice.value, total: ids.length };
    }
    this.logits = { after: sequence.length, values: slice.value };
    if (this.isFirst) this.timer.prefilled(since, this.firstSeen.length - this.reusedTokens);
    this.isFirst = false;
    return slice.value;
  }

  private sample(logits: Logits): Promise<SampledToken | null> {
    const { chain } = this.draft;
    // Draws from all logits are never repeated.
    const before = logits.known < logits.size ? chain.save() : null;
    const undo = () => {
      if (before !== null) chain.restore(before);
      this.lookahead.noteMissing();
    };
    return withEnough(logits, (enough) => this.sampleFrom(enough), undo);
  }

  private sampleFrom(logits: Logits): SampledToken | null {
    const { draft, given } = this;
    const { model, params } = this.job;
    // Created first, so that broken weights are not blamed on the settings.
    const raw = new RawDistribution(logits);
    const top = raw.top(params.topCandidates);
    const removals = new Removals(top.map(([id]) => id));
    const observe = top.length === 0 ? undefined : removals.observe;
    const sampled = given === null ? draft.draw(logits, observe) : draft.drawGiven(given, logits, observe);
    if (sampled === null) return null;
    const { id, probability: sampledProbability, survivors } = sampled;
    const candidates = describeCandidates(top, draft.chain, model, removals);
    return { id, logprob: raw.logprob(id), rank: raw.rank(id), sampledProbability, candidates, survivors };
  }

  /** Continues on another executor. @throws EngineError the given one if this one was not lost, or there is no other */
  private async move(error: EngineError): Promise<MovedReply> {
    const { job } = this;
    if (error.code !== 'BACKEND_LOST' || !job.recover) throw error;
    const { context, ...moved } = await job.recover(error);
    this.lookahead = this.lookaheadIn(context);
    if (this.isFirst) this.reusedTokens = this.reuseIn(context);
    this.timer.waitsForPrefill();
    this.logits = null;
    return moved;
  }

  private lookaheadIn(context: TokenWindow): Lookahead {
    const { model, params, platform, drafter = null } = this.job;
    const { contextSize } = model.config;
    return new Lookahead({
      ...{ context, contextSize, useKvCache: params.useKvCache, given: this.given, drafter },
      ...{ clock: platform.clock, hostYield: this.hostYield, cancel: this.interrupt },
      choose: (later) => this.draft.chain.choiceOf(later),
    });
  }

  private reuseIn(context: TokenWindow): number {
    return this.job.params.useKvCache ? context.reuse(this.firstSeen) : 0;
  }
}
