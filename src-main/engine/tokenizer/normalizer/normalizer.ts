import type { AlignedText } from '../aligned-text.ts';

/** Rewrites a text before it is split. */
export interface Normalizer {
  normalize(text: AlignedText): AlignedText;
}

/** One normalizer after another. */
export function sequenceNormalizer(normalizers: readonly Normalizer[]): Normalizer {
  return { normalize: (text) => normalizers.reduce((current, next) => next.normalize(current), text) };
}
