import type { JsonPart } from '../json-part.ts';
import { whiteSpace } from '../unicode/sets.ts';
import { characterFinder } from './characters.ts';
import type { Normalizer } from './normalizer.ts';

/**
 * End of a text's leading white space and start of its trailing one; for nothing but white space, the text's end and
 * start.
 */
function innerRange(text: string): [number, number] {
  const space = findSpace(text);
  let start = 0;
  let end = 0;
  let at = 0;
  for (const { index } of space) {
    if (index > at) end = index;
    if (at === start && index === start) start = index + 1;
    at = index + 1;
  }
  if (at < text.length) end = text.length;
  return [start, end];
}

/** Every space is one UTF-16 unit long. */
const findSpace = characterFinder(whiteSpace);

/** Removes white space from both ends. */
export function stripNormalizer(part: JsonPart): Normalizer {
  const left = part.get('strip_left').boolean();
  const right = part.get('strip_right').boolean();
  return {
    normalize(aligned) {
      const { length } = aligned.text;
      const [start, end] = innerRange(aligned.text);
      return aligned.slice(left ? start : 0, right ? Math.max(end, left ? start : 0) : length);
    },
  };
}
