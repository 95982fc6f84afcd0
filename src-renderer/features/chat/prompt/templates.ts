import type { ChatTemplateChoice, ModelInfo } from '../../../../src-main/engine/api/types.ts';

/** Whether a template has a switch for reasoning: `enable_thinking`, or `thinking` as in Granite's and DeepSeek's. */
export function asksForThinking(choice: ChatTemplateChoice, model: ModelInfo | null): boolean {
  const source = choice.kind === 'custom' ? choice.source : choice.kind === 'model' ? model?.chatTemplate : null;
  if (source === null || source === undefined) return false;
  return source.includes('enable_thinking') || readsThinking(source);
}

// What is not closed extends to the end, so that a search never begins again: a model's file may be hostile.
const STRING = /'(?:\\[\s\S]?|[^'\\])*(?:'|$)|"(?:\\[\s\S]?|[^"\\])*(?:"|$)/g;
/** A comment, or a tag without its end. */
const TAG = new RegExp(String.raw`\{#[\s\S]*?(?:#\}|$)|\{[{%](?:${STRING.source}|(?![%}]\})[\s\S])*`, 'g');
const ASSIGNED = /^\{%[-+]?\s*set\s+thinking(?!\w)/;
/** The name alone: not part of another one, nor an attribute or a keyword argument. */
const READ = /(?<![\w.])thinking(?!\w|\s*=(?!=))/;

/** Whether a template reads `thinking` before it sets it. */
function readsThinking(source: string): boolean {
  for (const [tag] of source.matchAll(TAG)) {
    if (tag.startsWith('{#')) continue;
    const code = tag.replaceAll(STRING, "''");
    if (READ.test(code.replace(ASSIGNED, ''))) return true;
    if (ASSIGNED.test(code)) return false;
  }
  return false;
}

/** Initial custom template. Most model families use this structure with markers of their own. */
export const EXAMPLE_TEMPLATE = `{%- for message in messages %}
{{- '<|' + message.role + '|>\\n' + message.content + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|assistant|>\\n' }}
{%- endif %}
`;
