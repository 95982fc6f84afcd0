import { expect, it } from 'vitest';
import type { EngineError } from '../api/errors.ts';
import { ProgramBuilder } from '../program/program-builder.ts';
import { TAPS } from '../program/taps.ts';
import type { ModelInfo } from '../api/types.ts';
import type { GenerateJob } from '../generation/generate.ts';
import { inspect } from './inspect.ts';
import type { InsideRun } from './tapped-row.ts';

const HEADS = 32;
const WIDTH = 64;
const LAYERS = 16;

/** The attention of a model with a few billion parameters. */
function program() {
  const p = new ProgramBuilder();
  let x = p.embed(p.weight('table', [8, WIDTH]), 'token');
  for (let layer = 0; layer < LAYERS; layer++) {
    const of = (name: string) => p.linear(x, p.weight(`${layer}.${name}`, [WIDTH, WIDTH]));
    const weightsTap = TAPS.attentionWeights(layer);
    const shape = {
      heads: HEADS,
      kvHeads: HEADS,
      headDim: WIDTH / HEADS,
      scale: 1,
      softcap: null,
      window: null,
      causal: true,
    };
    x = p.tap(TAPS.layerOutput(layer), p.attention(of('q'), of('k'), of('v'), { layer, ...shape, weightsTap }));
  }
  return p.logits(x, p.weight('head', [8, WIDTH]));
}

/** All checks before the model runs, and its answer to a prompt that fits. */
function inspecting(tokens: number): Promise<unknown> {
  const ran = () => Promise.reject(new Error('It ran.'));
  const model = { name: 'Large', program: program() };
  const job = {
    model,
    prompt: { ids: new Array<number>(tokens).fill(1) },
    context: { fresh: () => undefined, run: ran },
  };
  const options = { info: { layers: LAYERS } as ModelInfo, topCandidates: 1, attribution: false, lens: false };
  return inspect({ program: model.program } as InsideRun, job as unknown as GenerateJob, options);
}

it('refuses a prompt whose result would take gigabytes before anything is computed, and says how many tokens fit', async () => {
  const error = await inspecting(2000).catch((thrown: unknown) => thrown as EngineError);
  const values = LAYERS * (HEADS * 2000 ** 2 + WIDTH * 2000);
  expect(error).toMatchObject({ code: 'BAD_REQUEST', details: { field: 'prompt', promptTokens: 2000, values } });
  const { details, message } = error as EngineError;
  const most = Number(details['maxTokens']);
  expect(message).toBe(
    `Inspecting 2000 tokens of Large would list 2050 million numbers; the limit is 20 million. Shorten the prompt to ${most} tokens.`,
  );
  await expect(inspecting(most + 1)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(inspecting(most)).rejects.toThrow('It ran.');
});
