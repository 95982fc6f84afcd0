import type { AlignedText } from '../aligned-text.ts';
import type { Range } from '../regex/pattern.ts';

/** Splits a normalised text into words, which the model then turns into tokens one by one. */
export interface PreTokenizer {
  /** Whether words are handed on as bytes (ByteLevel), which the model must expect. */
  readonly toBytes?: boolean;
  /** What the text becomes before it is split; absent when it stays as it is. `text` is not empty. */
  rewrite?(text: AlignedText): AlignedText;
  /** @returns ranges of `text`, left to right, none empty. */
  split(text: string): Range[];
  /** Further steps, each for every word that the one before left. */
  readonly then?: readonly PreTokenizer[];
}

/** The words of a text: each a range of a text that knows where it comes from. */
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
