import { describe, expect, it } from 'vitest';
import { asksForThinking } from './templates.ts';

const asks = (source: string) => asksForThinking({ kind: 'custom', source }, null);

/** The part of Granite 3.3's template that is about reasoning, shortened. */
const GRANITE = `{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}
{%- else %}{%- set system_message = "You are Granite." %}
{%- if thinking %}{%- set system_message = system_message + " Write your thoughts between <think></think>." %}{%- endif %}
{%- endif %}
{%- for message in messages %}{{- '<|start_of_role|>' + message['role'] + '<|end_of_role|>' + message['content'] }}
{%- endfor %}`;

describe('a template has a switch for reasoning if it', () => {
  it.each([
    '{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}',
    GRANITE,
    '{% if not thinking is defined %}{% set thinking = false %}{% endif %}{% if thinking %}<think>{% endif %}',
    '{%- set thinking = thinking | default(false) %}',
    '{{ "<think>" if add_generation_prompt and thinking }}',
    '{% set ns = namespace(thinking=thinking) %}',
    "{{ '{% it''s %}' }}{% if thinking == true %}{% endif %}",
  ])('reads a variable: %s', (source) => {
    expect(asks(source)).toBe(true);
  });

  it.each([
    'I was thinking. {{ messages[0].content }}',
    '{# thinking #}{{ messages[0].content }}',
    '{# thinking',
    '{{ "the thinking %} variable" }}',
    "{% if 'thinking' in message and message.thinking %}{{ message.thinking }}{% endif %}",
    '{{ thinking_budget }}{{ no_thinking }}',
    "{% set thinking = message['reasoning'] %}{% if thinking %}{{ thinking }}{% endif %}",
    '{% set ns = namespace(thinking=false) %}{% if ns.thinking %}{% endif %}',
  ])('not otherwise: %s', (source) => {
    expect(asks(source)).toBe(false);
  });

  it('only the template in use counts', () => {
    expect(asksForThinking({ kind: 'plain' }, null)).toBe(false);
    expect(asksForThinking({ kind: 'model' }, null)).toBe(false);
  });
});
