import { lowerCaseReplacements, normalizationReplacements, type NormalizationForm } from '../unicode/normalize.ts';
import type { Normalizer } from './normalizer.ts';

/** A Unicode normalisation form, from Tokenscope's own tables, because the host's Unicode version may differ. */
export function formNormalizer(form: NormalizationForm): Normalizer {
  return { normalize: (aligned) => aligned.replace(normalizationReplacements(aligned.text, form)) };
}

export const lowercase: Normalizer = {
  normalize: (aligned) => aligned.replace(lowerCaseReplacements(aligned.text)),
};
