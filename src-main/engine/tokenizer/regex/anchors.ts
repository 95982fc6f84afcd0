import { wordCharactersOutsideSets } from '../unicode/sets.ts';
import { CharSet, LAST_CODE_POINT } from './char-set.ts';
import type { RegexNode } from './syntax.ts';

const set = (of: CharSet): RegexNode => ({ type: 'set', set: of });
const ANY = set(CharSet.of([[0, LAST_CODE_POINT]]));
const LINE_FEED = set(CharSet.single(0x0a));

const look = (item: RegexNode, { behind = false, negative = false }): RegexNode => ({
  type: 'look',
  behind,
  negative,
  item,
});
const sequence = (...items: RegexNode[]): RegexNode => ({ type: 'sequence', items });
const either = (...options: RegexNode[]): RegexNode => ({ type: 'alternation', options });

const textStart = look(ANY, { behind: true, negative: true });
const textEnd = look(ANY, { negative: true });

function wordBoundary(isBoundary: boolean): RegexNode {
  const word = set(wordCharactersOutsideSets());
  const [before, notBefore] = [look(word, { behind: true }), look(word, { behind: true, negative: true })];
  const [after, notAfter] = [look(word, {}), look(word, { negative: true })];
  return isBoundary
    ? either(sequence(before, notAfter), sequence(notBefore, after))
    : either(sequence(before, after), sequence(notBefore, notAfter));
}

/** Oniguruma's anchors as look-arounds. `^` and `$` match at lines; `^` does not match after the last line feed. */
export const ANCHORS: Readonly<Record<string, () => RegexNode>> = {
  '^': () => either(textStart, sequence(look(LINE_FEED, { behind: true }), look(ANY, {}))),
  $: () => either(textEnd, look(LINE_FEED, {})),
  '\\A': () => textStart,
  '\\z': () => textEnd,
  '\\Z': () => either(textEnd, look(sequence(LINE_FEED, textEnd), {})),
  '\\b': () => wordBoundary(true),
  '\\B': () => wordBoundary(false),
};
