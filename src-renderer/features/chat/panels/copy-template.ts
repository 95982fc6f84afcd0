import { toasts } from '../../../ui/toasts.svelte.ts';
import { EXAMPLE_TEMPLATE } from '../prompt/templates.ts';
import type { ModelSettingsState } from '../state/model-settings.svelte.ts';

/** Replaces the custom template by the model's, which can be undone if a person wrote the custom one. */
export function copyTemplate(
  settings: Pick<ModelSettingsState, 'model' | 'own' | 'setTemplateSource'>,
  copied: string,
): void {
  const id = settings.model?.id;
  const { template } = settings.own.drafts;
  settings.setTemplateSource(copied);
  if (template.trim() === '' || template === copied || template === EXAMPLE_TEMPLATE) return;
  toasts.show({
    text: 'Custom template replaced',
    undo() {
      // Another model has its own template. A lane has no model while that of another lane is loaded.
      const isSame = settings.model?.id === id || settings.own.drafts.template === copied;
      if (isSame) settings.setTemplateSource(template);
    },
  });
}
