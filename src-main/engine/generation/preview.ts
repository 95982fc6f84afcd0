import { EngineError } from '../api/errors.ts';
import type { DrawReport, PreviewParams, SamplingPreview } from '../api/types.ts';
import type { Logits } from '../sampling/logits.ts';
import { RawDistribution } from '../sampling/raw-distribution.ts';
import { Removals } from '../sampling/removals.ts';
import type { Sampled } from '../sampling/sampler-chain.ts';
import { recordStages, type StageRecorder } from '../sampling/stage-reports.ts';
import { describeCandidates } from './describe-candidates.ts';
import { Draft } from './draft.ts';
import type { GenerateJob } from './generate.ts';
import { HostYield } from './host-yield.ts';
import { logitsEach } from './logits-each.ts';
import { logitsAfter } from './prefill.ts';
import { seen } from './shift.ts';
import { shownPiece } from './shown-piece.ts';

/** Survivors of the chain that get a row although the model ranks them lower. */
const SURVIVOR_ROWS = 8;

export interface PreviewJob extends Pick<
  GenerateJob,
  'model' | 'context' | 'platform' | 'params' | 'prompt' | 'cancel'
> {
  /** As in `PreviewParams`. */
  reply: PreviewParams['reply'];
  token: PreviewParams['token'];
}

/**
 * Returns the distribution of the token after a prompt and the beginning of a reply. Most of it is in the KV cache, so this
 * costs about one step of the model. Only mirostat, adaptive-p and XTC, whose state depends on the tokens before, need the
 * logits of the whole reply. Nothing is tapped.
 * @throws EngineError CANCELLED, CONTEXT_FULL, BAD_REQUEST or GRAMMAR when nothing can be drawn
 */
export async function preview(job: PreviewJob): Promise<SamplingPreview> {
  const { model, prompt, params, reply, token } = job;
  // XTC is the only stage that needs the seed before the draw.
  const draft = new Draft({ model, params, prompt, seed: params.sampling.seed ?? 0 });
  const { firstToken } = params;
  if (firstToken !== undefined) draft.acceptGiven({ id: firstToken });
  const prefix = [...draft.sequence];
  checkSize(job, prefix);
  for await (const [id, logits] of replyTokens(job, prefix, draft.followsLogits)) draft.follow(id, logits);
  const logits = await logitsOf(job, draft.sequence);
  const recorder = recordStages(params.topCandidates, reply !== undefined);
  const raw = new RawDistribution(logits);
  const top = raw.top(params.topCandidates);
  const own: [number, number][] = token === undefined ? [] : [[token, raw.logprob(token)]];
  const removals = new Removals([...top, ...own].map(([id]) => id));
  const sampled = draft.drawOnce(logits, (...stage) => {
    recorder.observe(...stage);
    removals.observe(...stage);
  });
  const [reported] = describeCandidates(own, draft.chain, model, removals);
  return {
    promptTokens: draft.sequence.length,
    token: reported === undefined ? null : { ...reported, rank: raw.rank(reported.id) },
    candidates: describeCandidates(top, draft.chain, model, removals),
    survivors: sampled.survivors,
    stages: recorder.stages.filter(({ stage }) => stage !== 'dist'),
    draw: reply === undefined ? null : describeDraw(job, sampled, raw, logits, recorder),
  };
}

/** @param prefix as in `replyTokens` */
function checkSize({ model, prompt, reply = [] }: PreviewJob, prefix: readonly number[]): void {
  const { contextSize } = model.config;
  const tokens = prefix.length + reply.length;
  if (prompt.keptByShift !== null || tokens <= contextSize) return;
  throw new EngineError(
    'CONTEXT_FULL',
    `Prompt and reply have ${tokens} tokens, but the context window of ${model.name} holds ${contextSize}.`,
    { promptTokens: tokens, contextSize, model: model.name },
  );
}

/** The logits after a sequence. */
function logitsOf(job: PreviewJob, sequence: readonly number[]): Promise<Logits> {
  const { context, platform, cancel = { cancelled: false } } = job;
  const { ids } = seen(job, sequence);
  context.reuse(ids);
  return logitsAfter(ids, context, new HostYield(platform), cancel);
}

/**
 * The reply's tokens, with the logits before each if `withLogits`.
 * @param prefix the prompt and, if one was given, the first token
 */
async function* replyTokens(
  job: PreviewJob,
  prefix: readonly number[],
  withLogits: boolean,
): AsyncGenerator<[id: number, logits: Logits | null], void, undefined> {
  const { context, model, platform, cancel, reply = [] } = job;
  if (reply.length === 0) return;
  const sequence = [...prefix, ...reply];
  if (!withLogits) {
    for (const id of reply) yield [id, null];
  } else if (seen(job, sequence).dropped > 0) {
    // A full window: every token sees another part of the sequence.
    for (const [at, id] of reply.entries()) yield [id, await logitsOf(job, sequence.slice(0, prefix.length + at))];
  } else {
    context.reuse(prefix);
    const { vocabularySize } = model.config;
    let at = 0;
    const before = sequence.slice(0, -1);
    const each = logitsEach({ context, platform, vocabularySize, cancel }, before, prefix.length - 1);
    for await (const logits of each) yield [reply[at++], logits];
  }
}

function describeDraw(
  { model, params }: PreviewJob,
  { id, probability }: Sampled,
  raw: RawDistribution,
  logits: Logits,
  { draw, stages, after }: StageRecorder,
): DrawReport {
  const piece = (token: number) => shownPiece(model.tokenizer, token);
  const chain = stages.filter(({ stage }) => stage !== 'dist');
  const survivors = (chain.at(-1)?.top ?? []).map(([token]) => token);
  const followed = new Set([
    id,
    ...raw.top(params.topCandidates).map(([token]) => token),
    ...survivors.slice(0, SURVIVOR_ROWS),
    // Not the tokens that are never generated.
    ...chain.flatMap(({ stage, removedTop }) =>
      stage === 'mask' ? [] : removedTop.slice(0, 1).map(([token]) => token),
    ),
  ]);
  const listed = new Set([...followed, ...survivors]);
  const rows = Array.from(followed, (token) => ({
    id: token,
    piece: piece(token),
    rank: raw.rank(token),
    logit: logits.values[token],
    logprob: raw.logprob(token),
    stages: after(token),
  }));
  return {
    id,
    piece: piece(id),
    probability,
    random: draw?.random ?? null,
    line: (draw?.line ?? [])
      .filter(([token]) => listed.has(token))
      .map(([token, from, to]) => ({ id: token, piece: piece(token), from, to })),
    rows: rows.sort((a, b) => a.rank - b.rank),
  };
}
