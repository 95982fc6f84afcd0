import { lowerCaseReplacements, normalizationReplacements, type NormalizationForm } from '../unicode/normalize.ts';
import type { Normalizer } from './normalizer.ts';

/** A normalisation form of Unicode, from Tokenscope's own tables: the host's may know other characters. */
export function formNormalizer(form: NormalizationForm): Normalizer {
  return { normalize: (aligned) => aligned.replace(normalizationReplacements(aligned.text, form)) };
}

export const lowercase: Normalizer = {
  normalize: (aligned) => aligned.replace(lowerCaseReplacements(aligned.text)),
};
