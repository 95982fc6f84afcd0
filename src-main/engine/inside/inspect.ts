import { EngineError } from '../api/errors.ts';
import { TAPS } from '../program/taps.ts';
import type { RunResult } from '../executors/executor.ts';
import type { Model } from '../models/model.ts';
import { RawDistribution } from '../sampling/raw-distribution.ts';
import { Removals } from '../sampling/removals.ts';
import { recordStages } from '../sampling/stage-reports.ts';
import type { Candidate, GenerateEnd, Inspection, ModelInfo, TappedTensor } from '../api/types.ts';
import { OWN } from '../generation/context-window.ts';
import { describeCandidates } from '../generation/describe-candidates.ts';
import { Draft } from '../generation/draft.ts';
import { generate, type GenerateJob } from '../generation/generate.ts';
import { cancelled } from '../generation/interrupt.ts';
import { shownPiece } from '../generation/shown-piece.ts';
import { attribute } from './attribution.ts';
import { IntervenedWindow } from './intervened-window.ts';
import { logitLens } from './lens.ts';
import { type InsideRun, variantOf } from './tapped-row.ts';

/**
 * Maximum number of values in one inspection: 160 MB, and several times that on the way through kernels, threads and
 * JSON.
 */
const MAX_VALUES = 20_000_000;

/**
 * Runs one prompt and returns the numbers of every step, as used in generation.
 * @param run its prompt's ids and program
 * @param job the reply to follow
 * @throws EngineError CANCELLED, BAD_REQUEST for a prompt with too many values
 */
export async function inspect(run: InsideRun, job: GenerateJob, options: InspectSteps): Promise<Inspection> {
  const inspection = await inspectSteps(run, job, options);
  return { ...inspection, ...(await explain(run, inspection.sampling.chosen.id, options)) };
}

/** The steps, with the program of the run. */
async function inspectSteps(run: InsideRun, job: GenerateJob, options: InspectSteps): Promise<Inspection> {
  if (run.program === job.model.program) return steps(job, options);
  run.context.switchTo(variantOf(run));
  const context = new IntervenedWindow(run.context, run.program, run.causal);
  try {
    return await steps({ ...job, context }, options);
  } finally {
    context.clear();
    run.context.switchTo(OWN);
  }
}

export interface InspectSteps {
  readonly info: ModelInfo;
  /** Candidates listed per sampler stage, as probabilities and per layer of the lens. */
  readonly topCandidates: number;
  readonly attribution: boolean;
  readonly lens: boolean;
}

async function steps(job: GenerateJob, { info, topCandidates }: InspectSteps): Promise<Inspection> {
  const { model, context, prompt, params, seed } = job;
  const layers = Array.from({ length: info.layers }, (_, layer) => layer);
  // Models without learned positions lack such a tensor.
  const taps = tapNames(layers.length).filter((name) => model.program.taps.has(name));
  checkSize(model, taps, prompt.ids.length);
  context.fresh();
  // In one run, so that every attention matrix is complete.
  const run = await context.run(prompt.ids, { logits: [prompt.ids.length - 1], taps }, job.cancel);
  const logits = await run.logits[0].read();
  const raw = new RawDistribution(await run.logits[0].lend());

  const recorder = recordStages(topCandidates);
  const draft = new Draft({ model, params, prompt, seed });
  const top = raw.top(topCandidates);
  const removals = new Removals(top.map(([id]) => id));
  const sampled = draft.drawOnce(logits, (...stage) => {
    recorder.observe(...stage);
    removals.observe(...stage);
  });
  const probabilities = describeCandidates(top, draft.chain, model, removals);
  const chosen: Candidate = {
    id: sampled.id,
    piece: shownPiece(model.tokenizer, sampled.id),
    logprob: raw.logprob(sampled.id),
    sampledProbability: sampled.probability,
  };

  return {
    model: info,
    prompt: { text: prompt.text, ids: prompt.ids, tokens: prompt.pieces() },
    tokenEmbedding: traced(run, TAPS.tokenEmbedding),
    positionEmbedding: run.taps.has(TAPS.positionEmbedding) ? traced(run, TAPS.positionEmbedding) : null,
    embedding: traced(run, TAPS.embedding),
    layers: layers.map((index) => ({
      index,
      attention: traced(run, TAPS.attentionWeights(index)),
      attentionOutput: traced(run, TAPS.attentionOutput(index)),
      feedForwardHidden: traced(run, TAPS.feedForwardHidden(index)),
      output: traced(run, TAPS.layerOutput(index)),
    })),
    logits: { name: 'logits', shape: [logits.length], values: Array.from(logits) },
    probabilities,
    sampling: { stages: recorder.stages, chosen, seed },
    ...(await followReply(job)),
  };
}

/** Attribution of the chosen token, and the lens, if requested. */
async function explain(
  run: InsideRun,
  chosen: number,
  { attribution, lens, topCandidates }: InspectSteps,
): Promise<Pick<Inspection, 'attribution' | 'lens'>> {
  const last = run.ids.length - 1;
  return {
    ...(attribution ? { attribution: (await attribute(run, last, chosen, null)).parts } : {}),
    ...(lens ? { lens: await logitLens(run, last, topCandidates) } : {}),
  };
}

/** @throws EngineError BAD_REQUEST with the number of tokens that fit */
function checkSize({ program, name }: Model, taps: readonly string[], tokens: number): void {
  const wanted = new Set(taps);
  const perToken = program.tensors.reduce((sum, tensor) => {
    return sum + tensor.width * tensor.taps.filter((tap) => wanted.has(tap)).length;
  }, 0);
  // The size of attention matrices is quadratic in the prompt.
  const perPair = program.ops.reduce((sum, op) => {
    const isWanted = op.op === 'attention' && op.attributes.weightsTap !== null && wanted.has(op.attributes.weightsTap);
    return isWanted ? sum + op.attributes.heads : sum;
  }, 0);
  const values = (count: number) => perToken * count + perPair * count * count;
  if (values(tokens) <= MAX_VALUES) return;
  let most = tokens;
  while (most > 0 && values(most) > MAX_VALUES) most--;
  const millions = (count: number) => `${Math.round(count / 1e6)} million`;
  throw new EngineError(
    'BAD_REQUEST',
    `Inspecting ${tokens} tokens of ${name} would list ${millions(values(tokens))} numbers; the limit is ${millions(MAX_VALUES)}. Shorten the prompt to ${most} tokens.`,
    { field: 'prompt', promptTokens: tokens, maxTokens: most, values: values(tokens), maxValues: MAX_VALUES },
  );
}

function tapNames(layers: number): string[] {
  const names: string[] = [TAPS.tokenEmbedding, TAPS.positionEmbedding, TAPS.embedding];
  for (let layer = 0; layer < layers; layer++) {
    names.push(
      TAPS.attentionWeights(layer),
      TAPS.attentionOutput(layer),
      TAPS.feedForwardHidden(layer),
      TAPS.layerOutput(layer),
    );
  }
  return names;
}

function traced(run: RunResult, name: string): TappedTensor {
  const tensor = run.taps.get(name);
  if (tensor === undefined) {
    throw new EngineError('INTERNAL', `The executor returned no tensor ${name}.`, { name });
  }
  return { name, shape: [...tensor.shape], values: Array.from(tensor.data) };
}

/** Generates the same reply. It restarts from the seed, so its first token is the one chosen above. */
async function followReply(job: GenerateJob): Promise<Pick<Inspection, 'loop' | 'reply'>> {
  const loop: Inspection['loop'] = [];
  let end: GenerateEnd | null = null;
  for await (const event of generate(job)) {
    if (event.type === 'token') {
      const { id, piece, text, logprob } = event.token;
      const step = loop.length;
      loop.push({ step, contextTokens: job.prompt.ids.length + step, id, piece, text, logprob });
    } else if (event.type === 'end') {
      end = event;
    }
  }
  if (end === null || end.stop.reason === 'user') throw cancelled();
  return { loop, reply: { ids: end.ids, text: end.text, stop: end.stop } };
}
