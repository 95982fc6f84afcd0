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

/** Rows of the token table that are compared at once. */
const CHUNK = 4096;

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
  const own = await runs.matrixRows(program, table, [ids[token]]);
  const cosines = new Float64Array(count).fill(-Infinity);
  const hostYield = new HostYield(platform);
  for (let first = 0; first < count; first += CHUNK) {
    const some = Array.from({ length: Math.min(CHUNK, count - first) }, (_, i) => first + i);
    const compared = await runs.matrixRows(program, table, some);
    some.forEach((id, i) => (cosines[id] = cosine(own, compared, i * hidden)));
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

/** Of a row and the values from `at` on; -Infinity for a row of zeros, which has no direction. */
function cosine(a: Float32Array, rows: Float32Array, at: number): number {
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    const b = rows[at + i];
    product += a[i] * b;
    squaresA += a[i] * a[i];
    squaresB += b * b;
  }
  const lengths = Math.sqrt(squaresA * squaresB);
  return lengths === 0 ? -Infinity : product / lengths;
}
