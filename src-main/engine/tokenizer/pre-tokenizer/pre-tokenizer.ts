import type { AlignedText } from '../aligned-text.ts';
import type { Range } from '../regex/pattern.ts';

/** Splits a normalised text into words, which the model then tokenizes one by one. */
export interface PreTokenizer {
  /** Whether words are passed on as bytes (ByteLevel), which the model must expect. */
  readonly toBytes?: boolean;
  /** Changes the text before it is split; absent for no change. `text` is not empty. */
  rewrite?(text: AlignedText): AlignedText;
  /** @returns ranges of `text`, left to right, none empty. */
  split(text: string): Range[];
  /** Further steps, each applied to every word of the previous one. */
  readonly then?: readonly PreTokenizer[];
}

/** Calls back for the words of a text: each is a range of an aligned text. */
export function forEachWord(
  preTokenizer: PreTokenizer,
  text: AlignedText,
  found: (text: AlignedText, start: number, end: number) => void,
): void {
  apply([preTokenizer, ...(preTokenizer.then ?? [])], 0, text, found);
}

function apply(
  steps: readonly PreTokenizer[],
  index: number,
  text: AlignedText,
  found: (text: AlignedText, start: number, end: number) => void,
): void {
  if (text.text === '') return;
  const step = steps[index];
  const rewritten = step.rewrite?.(text) ?? text;
  for (const [start, end] of step.split(rewritten.text)) {
    if (index + 1 < steps.length) apply(steps, index + 1, rewritten.slice(start, end), found);
    else found(rewritten, start, end);
  }
}

/** The whole text is one word. */
export const wholeText = (text: string): Range[] => (text === '' ? [] : [[0, text.length]]);
