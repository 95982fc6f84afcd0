import type { LensLayer } from '../api/inside-types.ts';
import { partialProgram } from '../program/partial-program.ts';
import { TAPS } from '../program/taps.ts';
import { shownPiece } from '../generation/shown-piece.ts';
import { RawDistribution } from '../sampling/raw-distribution.ts';
import { PartialRuns, required } from './partial-runs.ts';
import { requiredTensor } from './residual-stream.ts';
import { type InsideRun, tapRow } from './tapped-row.ts';

/**
 * The logit lens (nostalgebraist, 2020): what the final norm and the output matrix make of the residual stream after every
 * layer. After the last layer these are the logits.
 * @param index of the token whose next token is in question
 * @param top candidates per layer
 */
export async function logitLens(run: InsideRun, index: number, top: number): Promise<LensLayer[]> {
  const { program, model } = run;
  const layers = program.kvWidths.map((_, layer) => requiredTensor(run, TAPS.layerOutput(layer)));
  // What the final norm or, without one, the logits read.
  const final = layers[layers.length - 1];
  const { tensors } = await tapRow(run, index, layers);
  const { width } = program.tensors[final];
  const rows = new Float32Array(layers.length * width);
  layers.forEach((tensor, layer) => rows.set(required(tensors.get(tensor)), layer * width));
  const lens: LensLayer[] = [];
  const runs = new PartialRuns(run.executor, model.config.contextSize, run.cancel);
  for await (const logits of runs.logits(program, final, rows, 'capped')) {
    const distribution = new RawDistribution(logits);
    lens.push({
      layer: lens.length,
      top: distribution.top(top).map(([id, logprob]) => {
        return { id, piece: shownPiece(model.tokenizer, id), logit: logits[id], logprob };
      }),
    });
  }
  return lens;
}

/** Whether a norm is between the last layer and the output matrix. */
export function hasFinalNorm(run: InsideRun): boolean {
  const final = requiredTensor(run, TAPS.layerOutput(run.program.kvWidths.length - 1));
  const { ops } = partialProgram(run.program, { given: [final], wanted: [], logits: 'capped' });
  return ops.some(({ op }) => op === 'rmsNorm' || op === 'layerNorm');
}
