import type { LayerAnswer, NormsAnswer } from '../api/inside-types.ts';
import { TAPS } from '../program/taps.ts';
import { requiredTensor, streamTensor } from './residual-stream.ts';
import { type InsideRun, tapRows } from './tapped-row.ts';

/** Tokens `[from, to)`. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** The residual stream before, in and after a layer. */
export async function layerOf(run: InsideRun, { layer, from, to }: Range & { layer: number }): Promise<LayerAnswer> {
  const tensors = [
    streamTensor(run, layer),
    ...[TAPS.attentionBlock(layer), TAPS.attentionOutput(layer)].map((tap) => requiredTensor(run, tap)),
    ...[TAPS.feedForwardBlock(layer), TAPS.layerOutput(layer)].map((tap) => requiredTensor(run, tap)),
  ];
  const hidden = run.program.tensors[tensors[0]].width;
  const found = tensors.map(() => new Float32Array((to - from) * hidden));
  for await (const rows of tapRows(run, { from, to }, [...new Set(tensors)])) {
    tensors.forEach((tensor, i) => found[i].set(rows.of(tensor), (rows.from - from) * hidden));
  }
  const [input, attention, afterAttention, feedForward, output] = found;
  return { kind: 'layer', hidden, input, attention, afterAttention, feedForward, output };
}

/** The lengths of the residual stream in all layers, and of what each block adds. */
export async function normsOf(run: InsideRun, { from, to }: Range): Promise<NormsAnswer> {
  const layers = run.program.kvWidths.length;
  const each = Array.from({ length: layers }, (_, layer) => layer);
  const stream = [...each, layers].map((layer) => streamTensor(run, layer));
  const attention = each.map((layer) => requiredTensor(run, TAPS.attentionBlock(layer)));
  const feedForward = each.map((layer) => requiredTensor(run, TAPS.feedForwardBlock(layer)));
  const tokens = to - from;
  const parts = [stream, attention, feedForward].map((tensors) => {
    return { tensors, lengths: new Float32Array(tensors.length * tokens) };
  });
  for await (const rows of tapRows(run, { from, to }, [...new Set([...stream, ...attention, ...feedForward])])) {
    for (const { tensors, lengths } of parts) {
      tensors.forEach((tensor, i) => measure(rows.of(tensor), lengths, i * tokens + rows.from - from, rows));
    }
  }
  const [ofStream, ofAttention, ofFeedForward] = parts.map(({ lengths }) => lengths);
  return { kind: 'norms', layers, tokens, stream: ofStream, attention: ofAttention, feedForward: ofFeedForward };
}

/** Writes the length of each row. */
function measure(values: Float32Array, lengths: Float32Array, at: number, { from, to }: Range): void {
  const width = values.length / (to - from);
  for (let row = 0; row < to - from; row++) {
    let squares = 0;
    for (let i = row * width; i < (row + 1) * width; i++) squares += values[i] * values[i];
    lengths[at + row] = Math.sqrt(squares);
  }
}
