import type { AlignedText } from '../aligned-text.ts';
import type { JsonPart } from '../json-part.ts';
import type { Range } from '../regex/pattern.ts';
import { withPrefix } from './byte-level.ts';
import { wholeText, type PreTokenizer } from './pre-tokenizer.ts';

/** When a text is given a leading space. */
export type PrependScheme = 'always' | 'first' | 'never';

const SCHEMES: Readonly<Record<string, PrependScheme>> = { always: 'always', first: 'first', never: 'never' };

/** `replacement` and `prepend_scheme`, shared by pre-tokenizer and decoder. */
export function metaspaceSettings(part: JsonPart): { replacement: string; scheme: PrependScheme } {
  const replacement = part.get('replacement').string();
  if ([...replacement].length !== 1) throw part.get('replacement').malformed('must be one character');
  const prefix = part.get('add_prefix_space');
  const named = part.get('prepend_scheme');
  const scheme = named.isNull ? 'always' : named.choose(SCHEMES);
  // Files from before `prepend_scheme` have another setting, which is off only if both say so.
  const off = !prefix.isNull && !prefix.boolean();
  if (off && scheme !== 'never') throw prefix.malformed('must not be false unless prepend_scheme is "never"');
  return { replacement, scheme };
}

/** Metaspace: spaces become a visible character, one may be added in front, and a word begins at each. */
export function metaspacePreTokenizer(part: JsonPart): PreTokenizer {
  const { replacement, scheme } = metaspaceSettings(part);
  const prepend = withPrefix(replacement);
  const split = part.get('split');
  return {
    rewrite(text) {
      const spaced = spacesReplaced(text, replacement);
      const isFirst = scheme === 'always' || (scheme === 'first' && text.originalRange(0, 1)[0] === 0);
      return isFirst ? prepend(spaced) : spaced;
    },
    split: split.isNull || split.boolean() ? (text) => beginningAt(text, replacement) : wholeText,
  };
}

function spacesReplaced(text: AlignedText, replacement: string): AlignedText {
  const spaces = text.text.matchAll(/ /g);
  return text.replace(Array.from(spaces, ({ index }) => ({ range: [index, index + 1] as const, text: replacement })));
}

/** Words that begin at every `mark`. */
function beginningAt(text: string, mark: string): Range[] {
  const words: Range[] = [];
  let start = 0;
  while (start < text.length) {
    const next = text.indexOf(mark, start + 1);
    const end = next === -1 ? text.length : next;
    words.push([start, end]);
    start = end;
  }
  return words;
}
