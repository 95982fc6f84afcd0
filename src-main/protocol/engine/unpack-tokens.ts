import type { Tokenized, TokenPiece } from '../../engine/api/types.ts';

/** Unpacks the tokens from `first` to before `end`; all of them by default. */
export function unpackTokens({ ids, ranges, vocabulary }: Tokenized, first = 0, end = ids.length): TokenPiece[] {
  return ids.slice(first, end).map((id, offset): TokenPiece => {
    const info = vocabulary.get(id);
    if (info === undefined) throw new RangeError(`Token ${id} is not in its own vocabulary.`);
    return { ...info, range: rangeOf(ranges, first + offset) };
  });
}

/** A token's range in the text, UTF-16; null for an added token. */
export function rangeOf(ranges: Tokenized['ranges'], index: number): [number, number] | null {
  const [start = -1, end = -1] = ranges.subarray(index * 2, index * 2 + 2);
  return start < 0 ? null : [start, end];
}
