import type { Replacement } from '../aligned-text.ts';
import type { CharSet } from '../regex/char-set.ts';
import { toJavaScript } from '../regex/to-javascript.ts';
import { combiningMarks } from '../unicode/sets.ts';
import type { Normalizer } from './normalizer.ts';

/** Finds single characters of a set, which is created on first use. */
export function characterFinder(set: () => CharSet): (text: string) => IterableIterator<RegExpExecArray> {
  let pattern: RegExp | undefined;
  return (text) => {
    pattern ??= new RegExp(toJavaScript({ type: 'set', set: set() }), 'gu');
    return text.matchAll(pattern);
  };
}

/** Replaces each character of a set with `content`. */
export function replaceCharacters(set: () => CharSet, content: string): Normalizer {
  const find = characterFinder(set);
  return {
    normalize: (aligned) =>
      aligned.replace(
        Array.from(find(aligned.text), (match): Replacement => ({
          range: [match.index, match.index + match[0].length],
          text: content,
        })),
      ),
  };
}

export const stripAccents: Normalizer = replaceCharacters(combiningMarks, '');
