import type { Tokenized } from '../../../../src-main/engine/api/types.ts';
import { rangeOf } from '../../../../src-main/protocol/engine/unpack-tokens.ts';

export interface TextPart {
  text: string;
  /** The vocabulary has no token for it. */
  unknown: boolean;
}

/** Splits a text at its unknown words. The joined parts equal the text. */
export function markUnknown(text: string, { ids, ranges, vocabulary }: Tokenized): TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  const strange = new Set([...vocabulary.values()].filter(({ unknown }) => unknown).map(({ id }) => id));
  for (let index = 0; strange.size > 0 && index < ids.length; index++) {
    const range = strange.has(ids[index] ?? -1) ? rangeOf(ranges, index) : null;
    if (range === null || range[0] < at || range[1] <= range[0]) continue;
    if (range[0] > at) parts.push({ text: text.slice(at, range[0]), unknown: false });
    parts.push({ text: text.slice(range[0], range[1]), unknown: true });
    at = range[1];
  }
  if (at < text.length) parts.push({ text: text.slice(at), unknown: false });
  return parts;
}

/** The distinct unknown words of a text as a list: `café, 日本 and 2 more`; null if there are none. */
export function listUnknown(text: string, tokenized: Tokenized, most = 4): string | null {
  const parts = markUnknown(text, tokenized).filter((part) => part.unknown);
  const words = [...new Set(parts.map((part) => part.text))];
  if (words.length === 0) return null;
  const rest = words.length - most;
  return rest > 0 ? `${words.slice(0, most).join(', ')} and ${rest} more` : words.join(', ');
}
