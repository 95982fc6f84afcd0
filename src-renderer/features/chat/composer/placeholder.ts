/** Placeholder of the message box. */
import type { ChatTemplateChoice, ModelInfo } from '../../../../src-main/engine/api/types.ts';

/** Whether a model answers messages. Otherwise it continues a text. */
export function isChatModel(
  model: Pick<ModelInfo, 'hasChatRoles'> | null,
  template: ChatTemplateChoice['kind'],
): boolean {
  return template === 'custom' || (template === 'model' && model?.hasChatRoles === true);
}

export interface ComposerState {
  /** A reply is being generated. */
  busy: boolean;
  /** Display name of the model that is being loaded, or null. */
  loading: string | null;
  /** The loaded model, or null. */
  model: { name: string; answers: boolean; builtIn: boolean } | null;
  /** The chat has no turns. */
  isNew: boolean;
}

export function placeholderText({ busy, loading, model, isNew }: ComposerState): string {
  if (loading !== null) return `Loading ${loading}…`;
  if (busy) return 'Next message, sent when this reply ends';
  if (model === null) return 'Load a model to start';
  if (model.answers) return `Message ${model.name}…`;
  if (!isNew) return 'Continue the text…';
  return model.builtIn ? 'Start a story…' : 'Start a text…';
}
