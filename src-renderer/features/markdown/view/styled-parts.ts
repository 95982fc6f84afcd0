import type { HighlightSpan } from '../tree.ts';

export interface StyledPart {
  text: string;
  /** Null: no syntax colour. */
  scope: string | null;
}

/**
 * Splits a piece of highlighted code.
 *
 * @param spans of the whole code, in order
 * @param offset where the piece begins in the code, UTF-16 units
 */
export function styledParts(text: string, spans: readonly HighlightSpan[], offset: number): StyledPart[] {
  const parts: StyledPart[] = [];
  const end = offset + text.length;
  let at = offset;
  for (let index = firstAfter(spans, offset); index < spans.length && spans[index].from < end; index++) {
    const from = Math.max(at, spans[index].from);
    const to = Math.min(end, spans[index].to);
    if (from > at) parts.push({ text: text.slice(at - offset, from - offset), scope: null });
    parts.push({ text: text.slice(from - offset, to - offset), scope: spans[index].scope });
    at = to;
  }
  if (at < end) parts.push({ text: text.slice(at - offset), scope: null });
  return parts;
}

/** Index of the first span that ends after an offset. */
function firstAfter(spans: readonly HighlightSpan[], offset: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].to > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
