import type { ChatTemplateChoice, ModelInfo } from '../../../../src-main/engine/api/types.ts';

/** Whether a template has a switch for reasoning. */
export function asksForThinking(choice: ChatTemplateChoice, model: ModelInfo | null): boolean {
  const source = choice.kind === 'custom' ? choice.source : choice.kind === 'model' ? model?.chatTemplate : null;
  return source?.includes('enable_thinking') ?? false;
}

/** Initial custom template. Most model families use this structure with markers of their own. */
export const EXAMPLE_TEMPLATE = `{%- for message in messages %}
{{- '<|' + message.role + '|>\\n' + message.content + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|assistant|>\\n' }}
{%- endif %}
`;
