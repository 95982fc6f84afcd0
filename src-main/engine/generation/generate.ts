import { EngineError } from '../api/errors.ts';
import type { Model } from '../models/model.ts';
import type { CancelToken, Platform } from '../api/platform.ts';
import type {
  ExecutorName,
  GenerateEvent,
  GenerateParams,
  GeneratedToken,
  MovedReply,
  Stop,
  Timings,
} from '../api/types.ts';
import type { TokenWindow } from './context-window.ts';
import { jointTo } from './continuation.ts';
import { Draft } from './draft.ts';
import type { Drafter } from './drafter.ts';
import { HostYield } from './host-yield.ts';
import { Interrupt } from './interrupt.ts';
import { reasoningMarksFor, type Prompt } from './prompt.ts';
import { findLoop } from './repetition.ts';
import { GrowingReply, type DrawnToken, type Shown } from './growing-reply.ts';
import { ReplyParts } from './reply-parts.ts';
import { ReplySampler } from './reply-sampler.ts';
import { droppedTokens, seen, ShiftReport } from './shift.ts';
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
  const { model, platform, params, prompt } = job;
  const timer = new ReplyTimer(platform.clock, job.loadMs, job.shared, job.startedAt);
  const interrupt = new Interrupt(platform.clock, timer.startedAt, params.stop.timeLimitMs, job.cancel);
  const hostYield = new HostYield(platform);
  const draft = new Draft<DrawnToken>(job);
  const reply = emptyReply(job, draft);
  const shifts = new ShiftReport(prompt, model.config.contextSize);
  const sampler = new ReplySampler(job, draft, timer, interrupt, hostYield);
  const tokenEvent = (token: GeneratedToken): GenerateEvent => {
    return { type: 'token', token, ...shifts.news(draft.sequence.length) };
  };
  yield startOf(job, draft.notices, sampler.begin());

  let stop = stopWithoutReply(job, draft);
  try {
    while (stop === null) {
      const sampled = yield* sampler.next();
      if (sampled === null) {
        stop = stopWithoutToken(job, draft, interrupt);
      } else if (model.config.eosTokenIds.includes(sampled.id)) {
        stop = { reason: 'eos', token: { id: sampled.id, piece: model.tokenizer.piece(sampled.id) } };
      } else {
        const certain = sampler.accept({ ...sampled, part: 'answer', latencyMs: timer.token() });
        for (const token of certain ?? []) {
          const shown = reply.push(token);
          for (const each of shown.tokens) yield tokenEvent(each);
          if (shown.stopString !== null) stop = { reason: 'stop_string', stopString: shown.stopString };
          if (stop !== null) break;
        }
        stop ??=
          certain === null ? stopByInterrupt(interrupt, params, draft.length) : stopAfterToken(job, draft, interrupt);
      }
      if (stop === null) await hostYield.ifDue();
    }
  } catch (thrown) {
    stop = stopAfterFailure(EngineError.from(thrown), job, draft.length, interrupt);
  }
  await sampler.finish();

  // A stop string that was undecided takes precedence over what ended the reply.
  for (const shown of stop.reason === 'stop_string' ? [reply.finish()] : finished(draft, reply)) {
    for (const token of shown.tokens) yield tokenEvent(token);
    if (shown.stopString === null) continue;
    if (stop.reason !== 'error') stop = { reason: 'stop_string', stopString: shown.stopString };
    break;
  }
  yield endOf(job, reply, stop, timer.timings(sampler.speculation));
}

/** @param reusedTokens of the prompt */
function startOf(job: GenerateJob, notices: readonly string[], reusedTokens: number): GenerateEvent {
  const { model, prompt, seed, executor } = job;
  const { contextSize, vocabularySize } = model.config;
  return {
    type: 'start',
    promptIds: prompt.ids,
    reusedTokens,
    segments: prompt.segments,
    notices: [...prompt.notices, ...notices],
    seed,
    contextSize,
    vocabularySize,
    executor,
  };
}

function endOf(
  { model, prompt, seed }: GenerateJob,
  { ids, text }: GrowingReply,
  stop: Stop,
  timings: Timings,
): GenerateEvent {
  const sequence = [...prompt.ids, ...ids];
  const { ids: read, dropped } = seen({ model, prompt }, sequence);
  return {
    type: 'end',
    ids,
    text,
    stop: dropped > 0 ? { ...stop, droppedTokens: dropped } : stop,
    timings,
    seed,
    contextUsed: read.length,
    ...(dropped > 0 ? { dropped: droppedTokens(prompt, sequence.length, model.config.contextSize) } : {}),
  };
}

function emptyReply(job: GenerateJob, draft: Draft<DrawnToken>): GrowingReply {
  const { model, params, prompt } = job;
  return new GrowingReply(
    model.tokenizer,
    [...params.stop.stopStrings, ...prompt.stopStrings],
    replyParts(job, draft),
    jointTo(params, prompt, model.tokenizer),
    params.continues?.stopString,
  );
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

/** Where everything is ruled out, or tokens were retracted. */
function stopWithoutToken({ params }: GenerateJob, draft: Draft<DrawnToken>, interrupt: Interrupt): Stop | null {
  return draft.isFinished ? { reason: 'eos', token: null } : stopByInterrupt(interrupt, params, draft.length);
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
