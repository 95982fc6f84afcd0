import type { JsonPart } from '../json-part.ts';
import type { Pattern, Range } from '../regex/pattern.ts';
import type { PreTokenizer } from './pre-tokenizer.ts';

/** A range of the text that either matches the pattern or is between matches. */
interface Stretch {
  range: Range;
  isMatch: boolean;
}

type Behavior = (stretches: readonly Stretch[]) => Range[];

const joined = (a: Range, b: Range): Range => [Math.min(a[0], b[0]), Math.max(a[1], b[1])];

/** Treatment of the matches (the delimiters), by Hugging Face's names. */
const BEHAVIORS: Record<string, Behavior> = {
  Removed: (stretches) => stretches.filter((s) => !s.isMatch).map((s) => s.range),
  Isolated: (stretches) => stretches.map((s) => s.range),
  Contiguous: (stretches) => merge(stretches, (s, previous) => s.isMatch === previous.isMatch),
  MergedWithPrevious: (stretches) => merge(stretches, (s, previous) => s.isMatch && !previous.isMatch),
  MergedWithNext: (stretches) =>
    merge([...stretches].reverse(), (s, previous) => s.isMatch && !previous.isMatch).reverse(),
};

function merge(stretches: readonly Stretch[], withPrevious: (s: Stretch, previous: Stretch) => boolean): Range[] {
  const ranges: Range[] = [];
  let previous: Stretch | null = null;
  for (const stretch of stretches) {
    if (previous && withPrevious(stretch, previous)) ranges.push(joined(ranges.pop()!, stretch.range));
    else ranges.push(stretch.range);
    previous = stretch;
  }
  return ranges;
}

/** The whole text as matches and the ranges between them; `invert` swaps the two. */
function stretchesOf(text: string, pattern: Pattern, invert: boolean): Stretch[] {
  const stretches: Stretch[] = [];
  let end = 0;
  for (const range of pattern.matches(text)) {
    if (range[0] > end) stretches.push({ range: [end, range[0]], isMatch: invert });
    stretches.push({ range, isMatch: !invert });
    end = range[1];
  }
  if (end < text.length) stretches.push({ range: [end, text.length], isMatch: invert });
  return stretches;
}

/** Matches and the ranges between them, each as a word. */
export function isolateMatches(text: string, pattern: Pattern): Range[] {
  return BEHAVIORS['Isolated'](stretchesOf(text, pattern, false)).filter(([start, end]) => end > start);
}

/** @param behavior a name in BEHAVIORS */
export function splitByPattern(pattern: Pattern, behavior: string, invert: boolean): PreTokenizer['split'] {
  const apply = BEHAVIORS[behavior];
  return (text) => apply(stretchesOf(text, pattern, invert)).filter(([start, end]) => end > start);
}

/** The name of a behaviour in a file. */
export function behaviorOf(part: JsonPart): string {
  part.choose(BEHAVIORS);
  return part.string();
}

export function splitPreTokenizer(part: JsonPart): PreTokenizer {
  const pattern = part.get('pattern').pattern();
  return { split: splitByPattern(pattern, behaviorOf(part.get('behavior')), part.get('invert').boolean()) };
}
