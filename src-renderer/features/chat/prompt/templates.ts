import type { ChatTemplateChoice, ModelInfo } from '../../../../src-main/engine/api/types.ts';

/** Whether a template can be told not to let the model reason first. */
export function asksForThinking(choice: ChatTemplateChoice, model: ModelInfo | null): boolean {
  const source = choice.kind === 'custom' ? choice.source : choice.kind === 'model' ? model?.chatTemplate : null;
  return source?.includes('enable_thinking') ?? false;
}

/** A template to begin with: what most families write, with their own marks in place of the names. */
export const EXAMPLE_TEMPLATE = `{%- for message in messages %}
{{- '<|' + message.role + '|>\\n' + message.content + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|assistant|>\\n' }}
{%- endif %}
`;
