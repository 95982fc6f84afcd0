import type { EmbeddingAnswer, PositionsAnswer } from '../api/inside-types.ts';
import type { OpOf } from '../program/ops.ts';
import type { WeightView } from '../program/weights.ts';
import { producerOf } from '../program/partial-program.ts';
import { TAPS } from '../program/taps.ts';
import { HostYield } from '../generation/host-yield.ts';
import { shownPiece } from '../generation/shown-piece.ts';
import { selectTop } from '../sampling/select-top.ts';
import { attentionAttributes } from './attention-view.ts';
import { PartialRuns } from './partial-runs.ts';
import { requiredTensor } from './residual-stream.ts';
import type { InsideRun } from './tapped-row.ts';

/** Rows of some tokens, and which tokens of the vocabulary are most similar to one of them. */
export async function embeddingOf(
  run: InsideRun,
  { token, neighbours, from, to }: { token: number; neighbours: number; from: number; to: number },
): Promise<EmbeddingAnswer> {
  const { program, ids, model, executor, platform, cancel } = run;
  const runs = new PartialRuns(executor, model.config.contextSize, cancel);
  const table = tableOf(run, 'token');
  const [count, hidden] = table.shape;
  const rows = await runs.matrixRows(program, table, ids.slice(from, to));
  if (neighbours === 0) return { kind: 'embedding', rows, hidden, neighbours: [] };
  const own = Float64Array.from(await runs.matrixRows(program, table, [ids[token]]));
  const cosines = new Float64Array(count);
  const hostYield = new HostYield(platform);
  const all = Int32Array.from({ length: count }, (_, id) => id);
  for await (const [first, some] of runs.slicesOfRows(program, table, all)) {
    writeCosines(own, some, cosines.subarray(first));
    await hostYield.ifDue();
  }
  cosines[ids[token]] = -Infinity;
  const nearest = selectTop(Float32Array.from(cosines), count, neighbours);
  return {
    ...{ kind: 'embedding', rows, hidden },
    neighbours: Array.from(nearest, (id) => ({ id, piece: shownPiece(model.tokenizer, id), cosine: cosines[id] })),
  };
}

/** Learned positions, or rotations; those of a run without positions are 0. */
export async function positionsOf(
  run: InsideRun,
  { layer, from, to }: { layer: number; from: number; to: number },
): Promise<PositionsAnswer> {
  const { program, model, executor, cancel } = run;
  const hidden = program.tensors[requiredTensor(run, TAPS.embedding)].width;
  const positions = Array.from({ length: to - from }, (_, i) => from + i);
  const isLearned = program.ops.some((op) => op.op === 'embed' && op.attributes.index === 'position');
  const runs = new PartialRuns(executor, model.config.contextSize, cancel);
  const rows = isLearned ? await runs.matrixRows(program, tableOf(run, 'position'), positions) : null;
  if (run.interventions.some(({ kind }) => kind === 'positions')) rows?.fill(0);
  const turned = producerOf(program, requiredTensor(run, TAPS.attentionQueries(layer)));
  if (turned.op !== 'rope') return { kind: 'positions', rows, hidden, rotary: null };
  const { pairing, magnitude } = turned.attributes;
  const frequencies = Float64Array.from(turned.attributes.frequencies);
  const angles = new Float64Array(positions.length * frequencies.length);
  positions.forEach((position, row) => {
    frequencies.forEach((frequency, i) => (angles[row * frequencies.length + i] = position * frequency));
  });
  const { headDim } = attentionAttributes(run, layer);
  return { kind: 'positions', rows, hidden, rotary: { headDim, pairing, magnitude, frequencies, angles } };
}

function tableOf({ program }: InsideRun, index: 'token' | 'position'): WeightView {
  const embed = program.ops.find((op): op is OpOf<'embed'> => op.op === 'embed' && op.attributes.index === index);
  if (!embed) throw new TypeError(`The program has no table by ${index}.`);
  return embed.weights[0];
}

/**
 * Of a row and each of some rows, in double precision; -Infinity for a row of zeros, which has no direction. Even and odd
 * values have sums of their own, because an addition waits for the one before it.
 */
function writeCosines(own: Float64Array, rows: Float32Array, cosines: Float64Array): void {
  const width = own.length;
  const ownLength = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0));
  for (let row = 0, at = 0; at < rows.length; row++, at += width) {
    let product = 0;
    let product1 = 0;
    let squares = 0;
    let squares1 = 0;
    for (let i = width % 2; i < width; i += 2) {
      const value = rows[at + i];
      const value1 = rows[at + i + 1];
      product += own[i] * value;
      product1 += own[i + 1] * value1;
      squares += value * value;
      squares1 += value1 * value1;
    }
    if (width % 2 === 1) {
      product += own[0] * rows[at];
      squares += rows[at] * rows[at];
    }
    const lengths = ownLength * Math.sqrt(squares + squares1);
    cosines[row] = lengths === 0 ? -Infinity : (product + product1) / lengths;
  }
}
