import type { AttributionPart, InsideAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import { barPicture } from '../picture/bar-picture.ts';
import { gridPicture } from '../picture/grid-picture.ts';
import { formatNumber, type Picture } from '../picture/picture.ts';

export type AttributionAnswer = Extract<InsideAnswer, { kind: 'attribution' }>;

/** Parts that are listed; the table has all. */
const LISTED = 24;

/** `attn:0.3` is `Layer 1, head 4`. */
export function partName(part: string): string {
  const [kind, at = ''] = part.split(':');
  const [layer, head] = at.split('.').map((index) => Number(index) + 1);
  switch (kind) {
    case 'attn':
      return `Layer ${layer}, head ${head}`;
    case 'ffn':
      return `Layer ${layer}, feed-forward`;
    case 'embed':
      return 'Embedding';
    case 'position':
      return 'Position';
    case 'bias':
      return 'Biases';
    default:
      return 'Rest';
  }
}

function formulaOf({ part, value }: AttributionPart): string {
  const shown = formatNumber(value);
  switch (part.split(':')[0]) {
    case 'attn':
      return `w · D n(W_o h) = ${shown}, h: the head’s weighted sum of values`;
    case 'ffn':
      return `w · D n(W_out a) = ${shown}, a: activations of the neurons`;
    case 'rest':
      return `logit − the sum of the others = ${shown}: rounding, or a cap on logits`;
    case 'bias':
      return `what matrices and norms add whatever the input = ${shown}`;
    default:
      return `w · D n(x) = ${shown}`;
  }
}

/** The parts with the largest effect. */
export function partsPicture({ parts }: AttributionAnswer, title: string): Picture {
  const sorted = parts.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return barPicture({
    title,
    fileName: 'attribution',
    bars: sorted.slice(0, LISTED).map((part) => ({
      label: partName(part.part),
      value: part.value,
      facts: { name: partName(part.part), value: formatNumber(part.value), formula: formulaOf(part) },
    })),
    table: {
      columns: ['part', 'value'],
      rows: parts.length,
      row: (index) => [parts[index].part, parts[index].value],
    },
  });
}

/** Every head of every layer. */
export function headsPicture({ parts }: AttributionAnswer, layers: number, heads: number): Picture {
  const values = new Map(parts.map(({ part, value }) => [part, value]));
  const at = (layer: number, head: number) => values.get(`attn:${layer}.${head}`) ?? null;
  return gridPicture({
    title: 'All heads: rows are layers',
    fileName: 'attribution-heads',
    rowLabels: Array.from({ length: layers }, (_, layer) => String(layer + 1)),
    columnLabels: Array.from({ length: heads }, (_, head) => String(head + 1)),
    columns: heads,
    ...{ signed: true, cellHeight: 18, value: at },
    describe(layer, head) {
      const part = { part: `attn:${layer}.${head}`, value: at(layer, head) ?? 0 };
      return { name: partName(part.part), value: formatNumber(part.value), formula: formulaOf(part) };
    },
    table: {
      columns: ['layer', ...Array.from({ length: heads }, (_, head) => `head ${head + 1}`)],
      rows: layers,
      row: (layer) => [layer + 1, ...Array.from({ length: heads }, (_, head) => at(layer, head) ?? '')],
    },
  });
}

export function sumOf({ parts }: AttributionAnswer): number {
  return parts.reduce((sum, { value }) => sum + value, 0);
}
