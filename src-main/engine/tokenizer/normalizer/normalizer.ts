import type { AlignedText } from '../aligned-text.ts';

/** Rewrites a text before it is split. */
export interface Normalizer {
  normalize(text: AlignedText): AlignedText;
}
