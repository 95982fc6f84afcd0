import type { Range } from '../regex/pattern.ts';

/** Splits a normalised text into words, which the model then turns into tokens one by one. */
export interface PreTokenizer {
  /** Whether words are handed on as bytes (ByteLevel), which the model must expect. */
  readonly toBytes?: boolean;
  /** @returns ranges of `text`, left to right, none empty. */
  split(text: string): Range[];
}
