import type { JsonPart } from '../json-part.ts';
import type { Normalizer } from './normalizer.ts';

/** Replaces every match of `pattern` with the literal `content`. */
export function replaceNormalizer(part: JsonPart): Normalizer {
  const pattern = part.get('pattern').pattern();
  const content = part.get('content').string();
  return {
    normalize: (aligned) => aligned.replace(pattern.matches(aligned.text).map((range) => ({ range, text: content }))),
  };
}

export function prependNormalizer(part: JsonPart): Normalizer {
  const text = part.get('prepend').string();
  return { normalize: (aligned) => (aligned.text === '' ? aligned : aligned.replace([{ range: [0, 0], text }])) };
}
