import type { AttributionPart, Inspection, LensLayer } from '../../../../engine/api/types.ts';
import { formatPercent } from './numbers.ts';
import { formatTable, indent, onOneLine } from './table.ts';

/** Parts listed, by size; the others are summed up. */
const PARTS = 15;
const CANDIDATES = 4;

/** Attribution and logit lens, if the inspection has them. */
export function formatExplanation({ attribution, lens, sampling, logits }: Inspection): string[] {
  const { chosen } = sampling;
  const sections: string[] = [];
  if (attribution) {
    const logit = logits.values[chosen.id] ?? 0;
    const title = `Attribution: parts of the logit of ${onOneLine(chosen.piece)} (${logit.toFixed(3)})`;
    sections.push(`${title}\n\n${indent(formatAttribution(attribution))}`);
  }
  if (lens) sections.push(`Logit lens: what each layer would predict\n\n${indent(formatLens(lens))}`);
  return sections;
}

function formatAttribution(parts: readonly AttributionPart[]): string {
  const bySize = parts.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const others = bySize.slice(PARTS);
  const rows = bySize.slice(0, PARTS).map(({ part, value }) => [part, value.toFixed(3)]);
  if (others.length > 0) {
    rows.push([`${others.length} others`, others.reduce((sum, { value }) => sum + value, 0).toFixed(3)]);
  }
  return formatTable([{ title: 'part' }, { title: 'logit', align: 'right' }], rows);
}

function formatLens(lens: readonly LensLayer[]): string {
  return formatTable(
    [{ title: 'after layer', align: 'right' }, { title: 'most probable' }],
    lens.map(({ layer, top }) => [
      String(layer),
      top
        .slice(0, CANDIDATES)
        .map(({ piece, logprob }) => `${piece} ${formatPercent(Math.exp(logprob))}`)
        .join(', '),
    ]),
  );
}
