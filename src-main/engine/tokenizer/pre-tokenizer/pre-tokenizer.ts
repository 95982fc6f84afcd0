import type { Range } from '../regex/pattern.ts';

/** Splits a normalised text into words, which the model then turns into tokens one by one. */
export interface PreTokenizer {
  /** @returns ranges of `text`, left to right, none empty. */
  split(text: string): Range[];
}
