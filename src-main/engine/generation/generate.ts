import { EngineError } from '../api/errors.ts';
import type { Model } from '../models/model.ts';
import type { CancelToken, Platform } from '../api/platform.ts';
import type { Logits } from '../sampling/logits.ts';
import { withEnough } from '../sampling/top-logits.ts';
import { RawDistribution } from '../sampling/raw-distribution.ts';
import { Removals } from '../sampling/removals.ts';
import type { SamplerChain } from '../sampling/sampler-chain.ts';
import type { Candidate, ExecutorName, GenerateEvent, GenerateParams, MovedReply, Stop } from '../api/types.ts';
import type { TokenWindow } from './context-window.ts';
import { jointTo } from './continuation.ts';
import { Draft } from './draft.ts';
import type { Drafter } from './drafter.ts';
import { HostYield } from './host-yield.ts';
import { Interrupt } from './interrupt.ts';
import { Lookahead } from './lookahead.ts';
import { reasoningMarksFor, type Prompt } from './prompt.ts';
import { findLoop } from './repetition.ts';
import { GrowingReply, type DrawnToken, type Shown } from './growing-reply.ts';
import { ReplyParts } from './reply-parts.ts';
import { droppedTokens, shift, ShiftReport, type Shifted } from './shift.ts';
import { shownPiece } from './shown-piece.ts';
import { ReplyTimer, type SharedPrefill } from './stats.ts';

/** The same model on another executor. */
export interface Recovered extends MovedReply {
  readonly context: TokenWindow;
}

export interface GenerateJob {
  model: Model;
  executor: ExecutorName;
  context: TokenWindow;
  platform: Platform;
  /** Validated. */
  params: GenerateParams;
  /** See `Prompt.ids`. */
  prompt: Prompt;
  seed: number;
  /** What `Timings.loadMs` reports. */
  loadMs: number;
  cancel: CancelToken | undefined;
  /** Absent for a single reply. */
  shared?: SharedPrefill;
  /** When the reply's processing started, if it was before the call. */
  startedAt?: number;
  /** Called when the executor was lost: where the reply continues. Without it, the reply ends. */
  recover?: (error: EngineError) => Promise<Recovered>;
  /** Guesses the next tokens, which are then verified together; without it, each run computes one token. */
  drafter?: Drafter;
}

/**
 * Generates one reply: prefills the prompt, then draws token after token until a stop condition is met. Every end,
 * including a failure, is an `end` event with the text so far.
 */
export async function* generate(job: GenerateJob): AsyncGenerator<GenerateEvent, void, undefined> {
  const { model, context, platform, params, prompt, seed } = job;
  const { contextSize } = model.config;
  const timer = new ReplyTimer(platform.clock, job.loadMs, job.shared, job.startedAt);
  const interrupt = new Interrupt(platform.clock, timer.startedAt, params.stop.timeLimitMs, job.cancel);
  const hostYield = new HostYield(platform);
  const draft = new Draft<DrawnToken>(job);
  const { continues } = params;
  const reply = new GrowingReply(
    model.tokenizer,
    [...params.stop.stopStrings, ...prompt.stopStrings],
    replyParts(job, draft),
    jointTo(params, prompt, model.tokenizer),
    continues?.stopString,
  );
  const shifts = new ShiftReport(prompt, contextSize);
  const lookaheadIn = (context: TokenWindow) =>
    new Lookahead({
      ...{ context, contextSize, useKvCache: params.useKvCache, drafter: job.drafter ?? null },
      ...{ clock: platform.clock, hostYield, cancel: interrupt },
      choose: (later) => draft.chain.choiceOf(later),
    });
  let lookahead = lookaheadIn(context);

  if (!params.useKvCache) context.fresh();
  const { ids: firstSeen } = seen(job, prompt.ids);
  const reuseIn = (context: TokenWindow) => (params.useKvCache ? context.reuse(firstSeen) : 0);
  let reusedTokens = reuseIn(context);
  const start = {
    promptIds: prompt.ids,
    reusedTokens,
    segments: prompt.segments,
    notices: [...prompt.notices, ...draft.notices],
    seed,
    contextSize,
    vocabularySize: model.config.vocabularySize,
  };
  yield { type: 'start', ...start, executor: job.executor };

  let stop = stopWithoutReply(job, draft);
  /** The token to take instead of drawing one. */
  let given = params.firstToken ?? null;
  let logits = null as { after: number; values: Logits } | null;
  let isFirst = true;
  const choose = (values: Logits) => {
    // Created first, so that broken weights are not blamed on the settings.
    const raw = new RawDistribution(values);
    const top = raw.top(params.topCandidates);
    const removals = new Removals(top.map(([id]) => id));
    const observe = top.length === 0 ? undefined : removals.observe;
    const sampled = given === null ? draft.draw(values, observe) : draft.drawGiven(given, values, observe);
    if (sampled === null) return null;
    const { id, probability: sampledProbability, survivors } = sampled;
    const candidates = describeCandidates(top, draft.chain, model, removals);
    return { id, logprob: raw.logprob(id), rank: raw.rank(id), sampledProbability, candidates, survivors };
  };
  try {
    while (stop === null) {
      const since = platform.clock.now();
      let choice: ReturnType<typeof choose>;
      try {
        if (logits?.after !== draft.sequence.length) {
          const { ids } = seen(job, draft.sequence);
          const slices = lookahead.after(ids, draft.sequence);
          let slice = await slices.next();
          for (; !slice.done; slice = await slices.next()) {
            if (isFirst) yield { type: 'prefill', done: slice.value, total: ids.length };
          }
          logits = { after: draft.sequence.length, values: slice.value };
          if (isFirst) timer.prefilled(since, firstSeen.length - reusedTokens);
          isFirst = false;
        }
        const { values } = logits;
        // Draws from all logits are never repeated.
        const before = values.known < values.size ? draft.chain.save() : null;
        choice = await withEnough(values, choose, () => {
          if (before !== null) draft.chain.restore(before);
          lookahead.noteMissing();
        });
      } catch (thrown) {
        const error = EngineError.from(thrown);
        if (error.code !== 'BACKEND_LOST' || !job.recover) throw error;
        const { context, ...moved } = await job.recover(error);
        lookahead = lookaheadIn(context);
        if (isFirst) reusedTokens = reuseIn(context);
        timer.moved();
        logits = null;
        yield { type: 'moved', ...moved };
        continue;
      }
      if (choice === null) {
        stop = draft.isFinished ? { reason: 'eos', token: null } : stopByInterrupt(interrupt, params, draft.length);
        if (stop === null) await hostYield.ifDue();
        continue;
      }
      const { id } = choice;
      if (model.config.eosTokenIds.includes(id)) {
        stop = { reason: 'eos', token: { id, piece: model.tokenizer.piece(id) } };
        break;
      }
      const drawn: DrawnToken = { ...choice, part: 'answer', latencyMs: timer.token() };
      const certain = given === null ? draft.accept(drawn) : draft.acceptGiven(drawn);
      given = null;
      for (const token of certain ?? []) {
        const shown = reply.push(token);
        for (const each of shown.tokens) yield { type: 'token', token: each, ...shifts.news(draft.sequence.length) };
        if (shown.stopString !== null) stop = { reason: 'stop_string', stopString: shown.stopString };
        if (stop !== null) break;
      }
      stop ??=
        certain === null ? stopByInterrupt(interrupt, params, draft.length) : stopAfterToken(job, draft, interrupt);
      if (stop === null) await hostYield.ifDue();
    }
  } catch (thrown) {
    stop = stopAfterFailure(EngineError.from(thrown), job, draft.length, interrupt);
  }
  await lookahead.finish(seen(job, draft.sequence).ids);

  // A stop string that was undecided takes precedence over what ended the reply.
  for (const shown of stop.reason === 'stop_string' ? [reply.finish()] : finished(draft, reply)) {
    for (const token of shown.tokens) yield { type: 'token', token, ...shifts.news(draft.sequence.length) };
    if (shown.stopString === null) continue;
    if (stop.reason !== 'error') stop = { reason: 'stop_string', stopString: shown.stopString };
    break;
  }
  const { ids: read, dropped } = seen(job, [...prompt.ids, ...reply.ids]);
  yield {
    type: 'end',
    ids: reply.ids,
    text: reply.text,
    stop: dropped > 0 ? { ...stop, droppedTokens: dropped } : stop,
    timings: timer.timings(lookahead.speculation),
    seed,
    contextUsed: read.length,
    ...(dropped > 0 ? { dropped: droppedTokens(prompt, prompt.ids.length + reply.ids.length, contextSize) } : {}),
  };
}

/** Separates the reply's reasoning from its answer. */
function replyParts({ params, prompt, model }: GenerateJob, draft: Draft<DrawnToken>): ReplyParts {
  const marks = reasoningMarksFor(params.prompt, model);
  const { grammar } = params.sampling;
  if (marks === null || grammar === null) return new ReplyParts(marks, prompt.turnBeginning);
  // A grammar describes a whole reply, so it is not in reasoning that the template opened, unless it may close that.
  const { open, close } = marks;
  const goesOn =
    draft.grammarAllowsAtStart(close) || (grammar.source.includes(close) && !grammar.source.includes(open));
  return new ReplyParts(marks, goesOn ? prompt.turnBeginning : draft.allowedBeginning);
}

/** What the model sees of prompt and reply. */
export function seen({ prompt, model }: Pick<GenerateJob, 'prompt' | 'model'>, sequence: readonly number[]): Shifted {
  if (prompt.keptByShift === null) return { ids: sequence, dropped: 0 };
  return shift(sequence, model.config.contextSize, prompt.keptByShift);
}

/** Releases what the draft and then the reply still hold at the end. */
function* finished(draft: Draft<DrawnToken>, reply: GrowingReply): Generator<Shown> {
  for (const token of draft.finish()) yield reply.push(token);
  yield reply.finish();
}

/** Stop reasons before the first token. */
function stopWithoutReply({ params, prompt, model }: GenerateJob, draft: Draft<DrawnToken>): Stop | null {
  const { contextSize, eosTokenIds } = model.config;
  if (params.stop.maxTokens === 0) return { reason: 'max_tokens', maxTokens: 0 };
  const promptTokens = prompt.ids.length;
  if (isFull(prompt, promptTokens, contextSize)) return { reason: 'context_full', promptTokens, contextSize };
  // The reply so far completes its grammar. Usually, the end token is drawn next.
  const mayEnd = eosTokenIds.length > 0 && !params.stop.ignoreEos;
  return draft.isFinished && !mayEnd && params.firstToken === undefined ? { reason: 'eos', token: null } : null;
}

/** Whether a full window ends the reply. */
function isFull({ keptByShift }: Prompt, tokens: number, contextSize: number): boolean {
  return keptByShift === null && tokens === contextSize;
}

/** The first condition that is met after a token that neither ends the text nor completes a stop string. */
function stopAfterToken(job: GenerateJob, draft: Draft<DrawnToken>, interrupt: Interrupt): Stop | null {
  const { params, prompt, model } = job;
  const { contextSize, defaultRepetitionWindow } = model.config;
  const window = params.stop.repetitionWindow ?? defaultRepetitionWindow;
  const tokens = draft.length;
  if (draft.isFinished) return { reason: 'eos', token: null };
  const loop = findLoop(draft.sequence, window, prompt.ids.length);
  if (loop !== null) return { reason: 'repetition', window, loop };
  if (tokens === params.stop.maxTokens) return { reason: 'max_tokens', maxTokens: tokens };
  const promptTokens = prompt.ids.length;
  if (isFull(prompt, draft.sequence.length, contextSize)) return { reason: 'context_full', promptTokens, contextSize };
  return stopByInterrupt(interrupt, params, tokens);
}

function stopAfterFailure(error: EngineError, job: GenerateJob, tokens: number, interrupt: Interrupt): Stop {
  if (error.code === 'CANCELLED') {
    const stop = stopByInterrupt(interrupt, job.params, tokens);
    if (stop !== null) return stop;
  }
  job.platform.log.warn('A reply failed.', { code: error.code, message: error.message, ...error.details });
  return { reason: 'error', tokens, error: error.payload };
}

function stopByInterrupt(interrupt: Interrupt, params: GenerateParams, tokens: number): Stop | null {
  switch (interrupt.reason()) {
    case 'time_limit':
      return { reason: 'time_limit', timeLimitMs: params.stop.timeLimitMs ?? 0, tokens };
    case 'user':
      return { reason: 'user', tokens };
    case null:
      return null;
  }
}

/**
 * Candidates with their probabilities after the chain.
 * @param top ids and logarithms of their raw probabilities @param removals of at least these, by the same chain
 */
export function describeCandidates(
  top: readonly [id: number, logprob: number][],
  chain: SamplerChain,
  model: Model,
  removals: Removals,
): Candidate[] {
  if (top.length === 0) return [];
  const sampled = chain.sampledProbabilities(top.map(([id]) => id));
  return top.map(([id, logprob], i) => {
    const candidate = { id, piece: shownPiece(model.tokenizer, id), logprob, sampledProbability: sampled[i] };
    const removedBy = removals.stageOf(id);
    return removedBy === undefined ? candidate : { ...candidate, removedBy };
  });
}
