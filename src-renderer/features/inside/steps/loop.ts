import type { CacheAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import {
  formatBytes,
  formatCount,
  formatDecimal,
  formatDuration,
  formatInteger,
  withUnit,
} from '../../../ui/format.ts';
import { barPicture } from '../picture/bar-picture.ts';
import type { Picture } from '../picture/picture.ts';
import type { LoopTimes } from '../state/loop-measurement.svelte.ts';

/** Operations per weight and token: a product and a sum. */
const PER_WEIGHT = 2;
/** Products and sums for q·k and for the weighted sum of values. */
const PER_PAIR = 4;

export interface LoopModel {
  parameters: number;
  layers: number;
  heads: number;
  headDim: number;
  hiddenSize: number;
  vocabularySize: number;
}

/**
 * Operations for one more token after `tokens`. Tables that are only looked up count like matrices, because the model's
 * description does not tell them apart, so small models come out too high.
 */
export function operations(model: LoopModel, tokens: number): { withCache: number; withoutCache: number } {
  const weights = PER_WEIGHT * model.parameters;
  const pair = PER_PAIR * model.layers * model.heads * model.headDim;
  // Each token attends to itself and to those before it.
  const pairs = (tokens * (tokens + 1)) / 2;
  return { withCache: weights + pair * tokens, withoutCache: weights * tokens + pair * pairs };
}

const SCALES = [
  { name: 'trillion', scale: 1e12 },
  { name: 'billion', scale: 1e9 },
  { name: 'million', scale: 1e6 },
] as const;

/** An estimate with two digits: 4907140 is `4.9 million`. */
export function roughCount(count: number): string {
  const rounded = Number(count.toPrecision(2));
  const unit = SCALES.find(({ scale }) => rounded >= scale);
  if (unit === undefined) return formatInteger(rounded);
  return withUnit(formatDecimal(rounded / unit.scale, 1), unit.name);
}

/** Operations of the next token with and without the cache. */
export function operationsPicture(model: LoopModel, tokens: number): Picture {
  const { withCache, withoutCache } = operations(model, tokens);
  const weights = `${PER_WEIGHT} × ${formatInteger(model.parameters)} weights`;
  const pair = `${PER_PAIR} × ${model.layers} layers × ${model.heads} heads × ${model.headDim}`;
  const count = formatInteger(tokens);
  const bars = [
    { label: 'With cache', value: withCache, formula: `${weights} + ${pair} × ${count} tokens` },
    {
      label: 'Without cache',
      value: withoutCache,
      formula: `${weights} × ${count} + ${pair} × ${count} (${count} + 1) / 2`,
    },
  ];
  return barPicture({
    title: 'Approximate operations for the next token',
    fileName: 'operations',
    bars: bars.map(({ label, value, formula }) => ({
      ...{ label, value, shown: roughCount(value) },
      facts: { name: label, value: formatInteger(value), formula: `${formula} = ${formatInteger(value)}` },
    })),
    table: {
      columns: ['case', 'operations'],
      rows: bars.length,
      row: (index) => [bars[index].label, bars[index].value],
    },
  });
}

export function timesPicture({ withCache, withoutCache }: LoopTimes): Picture {
  const bars = [
    { label: 'With cache', value: withCache },
    { label: 'Without cache', value: withoutCache },
  ];
  return barPicture({
    title: 'Time for one more token, measured',
    fileName: 'times',
    bars: bars.map(({ label, value }) => ({
      ...{ label, value, shown: formatDuration(value) },
      facts: { name: label, value: formatDuration(value), formula: 'one measurement, on this machine, now' },
    })),
    table: { columns: ['case', 'ms'], rows: bars.length, row: (index) => [bars[index].label, bars[index].value] },
  });
}

/** British English: no comma before `and`. */
const LISTED = new Intl.ListFormat('en-GB');

/** `It holds 3 sequences with 9, 1 and 1 tokens; 1 token is shared.` */
export function sequencesText({ sequences, shared }: Pick<CacheAnswer, 'sequences' | 'shared'>): string {
  const sizes =
    sequences.length === 1
      ? formatCount(sequences[0], 'token')
      : `${LISTED.format(sequences.map(formatInteger))} tokens`;
  const common = shared === 0 ? '' : `; ${formatCount(shared, 'token is', 'tokens are')} shared`;
  return `It holds ${formatCount(sequences.length, 'sequence')} with ${sizes}${common}.`;
}

/** Bytes of K and V of the run, layer by layer. */
export function cachePicture({ bytesPerToken }: CacheAnswer, tokens: number): Picture {
  return barPicture({
    title: `Size of keys and values for ${formatInteger(tokens)} tokens`,
    fileName: 'kv-cache',
    bars: bytesPerToken.map((bytes, layer) => ({
      label: `Layer ${layer + 1}`,
      value: bytes * tokens,
      shown: formatBytes(bytes * tokens),
      facts: {
        name: `Layer ${layer + 1}`,
        value: formatBytes(bytes * tokens),
        formula: `${formatInteger(bytes)} bytes per token × ${formatInteger(tokens)} tokens = ${formatInteger(bytes * tokens)}`,
      },
    })),
    table: {
      columns: ['layer', 'bytes per token', 'bytes'],
      rows: bytesPerToken.length,
      row: (layer) => [layer + 1, bytesPerToken[layer], bytesPerToken[layer] * tokens],
    },
  });
}
