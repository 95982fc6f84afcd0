import type { AttributionPart } from '../api/inside-types.ts';
import type { OpOf } from '../program/ops.ts';
import type { Program } from '../program/program.ts';
import { attentionBefore, directPath, type DirectPath, type PathSource } from './direct-path.ts';
import { fixNorm, normTransposed } from './norm-gains.ts';
import { PartialRuns } from './partial-runs.ts';
import { type InsideRun, type TappedRow, tapRow } from './tapped-row.ts';

/**
 * Direct logit attribution of a token, or of its difference to a rival. The logit is a linear function of what the parts
 * added to the residual stream, once the scales of the norms in between are held fixed at their values in this run; so
 * the parts sum to the logit. `rest` is what is left: the soft-cap of the logits, and rounding.
 * @param index of the token whose next token is in question
 */
export async function attribute(
  run: InsideRun,
  index: number,
  target: number,
  rival: number | null,
): Promise<{ logit: number; parts: AttributionPart[] }> {
  const { program, model } = run;
  const path = directPath(program);
  const row = await tapRow(run, index, path.tensors);
  const runs = new PartialRuns(run.executor, model.config.contextSize, run.cancel);
  const logit = row.logits[target] - (rival === null ? 0 : row.logits[rival]);
  const attribution = new Attribution(runs, program, row);
  await attribution.follow(path, target, rival);
  const { values, bias } = attribution;
  const sum = values.reduce((total, { value }) => total + value, bias);
  return {
    logit,
    parts: [...inOrder(values), { part: 'bias', value: bias }, { part: 'rest', value: logit - sum }],
  };
}

class Attribution {
  readonly values: AttributionPart[] = [];
  bias = 0;

  constructor(
    private readonly runs: PartialRuns,
    private readonly program: Program,
    private readonly row: TappedRow,
  ) {}

  /** Carries the logit's covector back along the path and multiplies it with each source. */
  async follow(path: DirectPath, target: number, rival: number | null): Promise<void> {
    const { logits, steps, sources } = path;
    const covectors = new Map([[logits.inputs[0], await this.unembedding(logits, target, rival)]]);
    const covectorOf = (tensor: number) => covectors.get(tensor) ?? new Float64Array(this.width(tensor));
    for (const op of steps) {
      const covector = covectorOf(op.output ?? 0);
      if (op.op === 'add') for (const input of op.inputs) covectors.set(input, covector);
      else if (op.op === 'scale') {
        const { factor } = op.attributes;
        covectors.set(
          op.inputs[0],
          covector.map((value) => value * factor),
        );
      } else {
        const fixed = await fixNorm(this.runs, this.program, op, this.tensor(op.inputs[0]));
        this.bias += dot(covector, fixed.bias);
        covectors.set(op.inputs[0], normTransposed(fixed, covector));
      }
    }
    for (const source of sources) await this.measure(source, covectorOf(source.tensor));
  }

  /** The logit's gradient with respect to what the output matrix reads, in its stored precision. */
  private async unembedding(
    { inputs: [residual], weights: [matrix, bias] }: OpOf<'logits'>,
    target: number,
    rival: number | null,
  ): Promise<Float64Array> {
    const ids = rival === null ? [target] : [target, rival];
    const width = matrix.shape[1];
    const rows = await this.runs.matrixRows(this.program, matrix, ids);
    if (bias) {
      // All logits of a row of zeros are the bias.
      for await (const biases of this.runs.logits(this.program, residual, new Float32Array(width), 'raw')) {
        this.bias += biases[target] - (rival === null ? 0 : biases[rival]);
      }
    }
    return Float64Array.from({ length: width }, (_, i) => rows[i] - (rival === null ? 0 : rows[width + i]));
  }

  private async measure(source: PathSource, covector: Float64Array): Promise<void> {
    const { tensor } = source;
    if (!('op' in source)) {
      this.values.push({ part: source.part, value: dot(covector, this.tensor(tensor)) });
      return;
    }
    const { op, layer } = source;
    const [input] = op.inputs;
    const attributes = attentionBefore(this.program, input)?.attributes ?? null;
    // One row per head, with the others at 0; the last row, all zeros, gives the matrix's bias.
    const heads = attributes?.heads ?? 0;
    const rows = new Float32Array((heads + 1) * this.width(input));
    for (let head = 0; head < heads; head++) {
      const at = head * (attributes?.headDim ?? 0);
      const part = this.tensor(input).subarray(at, at + (attributes?.headDim ?? 0));
      rows.set(part, head * this.width(input) + at);
    }
    const written = await this.runs.tensor(this.program, input, rows, tensor);
    const width = this.width(tensor);
    const bias = dot(covector, written.subarray(heads * width));
    this.bias += bias;
    if (attributes === null) {
      this.values.push({ part: `ffn:${layer}`, value: dot(covector, this.tensor(tensor)) - bias });
      return;
    }
    for (let head = 0; head < heads; head++) {
      const value = dot(covector, written.subarray(head * width, (head + 1) * width)) - bias;
      this.values.push({ part: `attn:${layer}.${head}`, value });
    }
  }

  private tensor(tensor: number): Float32Array {
    return this.row.tensors.get(tensor) ?? new Float32Array(this.width(tensor));
  }

  private width(tensor: number): number {
    return this.program.tensors[tensor].width;
  }
}

/** From the embedding to the last layer: the path was followed backwards. */
function inOrder(parts: readonly AttributionPart[]): AttributionPart[] {
  const rank = ({ part }: AttributionPart) => {
    const [kind, layer, head = -1] = part.split(/[:.]/).map((text, i) => (i === 0 ? text : Number(text)));
    if (layer === undefined) return kind === 'embed' ? -2 : -1;
    // Within a layer, heads come before the feed-forward network.
    return Number(layer) * 1e6 + (kind === 'ffn' ? 1e5 : Number(head));
  };
  return parts.toSorted((a, b) => rank(a) - rank(b));
}

function dot(a: Float64Array, b: ArrayLike<number>): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}
