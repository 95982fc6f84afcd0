import type { Intervention, PromptInput } from '../api/types.ts';
import { readPrompt } from '../generation/prompt.ts';
import type { Model } from '../models/model.ts';
import { replaceTokens } from '../program/interventions.ts';

/** The prompt with its replaced tokens, as ids if there are any. */
export function withTokens(prompt: PromptInput, interventions: readonly Intervention[], model: Model): PromptInput {
  if (interventions.every(({ kind }) => kind !== 'token')) return prompt;
  const { ids } = readPrompt(prompt, model, 0);
  return { kind: 'ids', ids: replaceTokens(ids, interventions, model.config.vocabularySize) };
}
