import { RawDistribution } from '../sampling/raw-distribution.ts';
import { Removals } from '../sampling/removals.ts';
import { recordStages } from '../sampling/stage-reports.ts';
import type { SamplingPreview } from '../api/types.ts';
import { Draft } from './draft.ts';
import { describeCandidates, type GenerateJob } from './generate.ts';
import { HostYield } from './host-yield.ts';
import { logitsAfter } from './prefill.ts';

/**
 * Returns the distribution of a prompt's next token. Most of the prompt is in the KV cache, so this costs about one step
 * of the model; nothing is tapped.
 * @param topCandidates listed as candidates and per stage @param token to be reported whatever its rank
 * @throws EngineError CANCELLED
 */
export async function preview(
  job: Pick<GenerateJob, 'model' | 'context' | 'platform' | 'params' | 'prompt' | 'cancel'>,
  topCandidates: number,
  token?: number,
): Promise<SamplingPreview> {
  const { model, context, prompt, params, platform } = job;
  context.reuse(prompt.ids);
  const logits = await logitsAfter(prompt.ids, context, new HostYield(platform), job.cancel ?? { cancelled: false });
  const recorder = recordStages(topCandidates);
  // XTC is the only stage that needs it before the draw.
  const draft = new Draft({ model, params, prompt, seed: params.sampling.seed ?? 0 });
  const raw = new RawDistribution(logits);
  const top = raw.top(topCandidates);
  const own: [number, number][] = token === undefined ? [] : [[token, raw.logprob(token)]];
  const removals = new Removals([...top, ...own].map(([id]) => id));
  const { survivors } = draft.drawFirst(logits, (...stage) => {
    recorder.observe(...stage);
    removals.observe(...stage);
  });
  const [reported] = describeCandidates(own, draft.chain, model, removals);
  return {
    promptTokens: prompt.ids.length,
    token: reported === undefined ? null : { ...reported, rank: raw.rank(reported.id) },
    candidates: describeCandidates(top, draft.chain, model, removals),
    survivors,
    stages: recorder.stages.filter(({ stage }) => stage !== 'dist'),
  };
}
