import type { Replacement } from '../aligned-text.ts';
import { CharSet } from '../regex/char-set.ts';
import type { Range } from '../regex/pattern.ts';
import { toJavaScript } from '../regex/to-javascript.ts';
import { generalCategory } from '../unicode/sets.ts';
import type { Normalizer } from './normalizer.ts';

/** Vowels and final consonants of Hangul, which compose with what stands before them. */
const HANGUL_TRAILING = CharSet.of([[0x1160, 0x11ff]]);

let clusters: RegExp | undefined;

/** A character with everything after it that may compose with it. */
function clusterPattern(): RegExp {
  if (clusters) return clusters;
  const trailing = toJavaScript({ type: 'set', set: CharSet.union([generalCategory('M')!, HANGUL_TRAILING]) });
  clusters = new RegExp(`[^]${trailing}*`, 'gu');
  return clusters;
}

/**
 * Canonical composition. `String.prototype.normalize` follows the Unicode version of the host; Unicode guarantees that
 * the form of characters that exist never changes, so hosts differ only in characters younger than the host.
 */
export const nfcNormalizer: Normalizer = {
  normalize(aligned) {
    const { text } = aligned;
    const composed = text.normalize('NFC');
    if (composed === text) return aligned;
    const replaced = aligned.replace(composeClusters(text));
    // A few characters compose across clusters. The ids must be right even then; only the ranges become coarse.
    return replaced.text === composed ? replaced : aligned.replace([{ range: [0, text.length], text: composed }]);
  },
};

function composeClusters(text: string): Replacement[] {
  const replacements: Replacement[] = [];
  for (const match of text.matchAll(clusterPattern())) {
    const composed = match[0].normalize('NFC');
    const range: Range = [match.index, match.index + match[0].length];
    if (composed !== match[0]) replacements.push({ range, text: composed });
  }
  return replacements;
}
