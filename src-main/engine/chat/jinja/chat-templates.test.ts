/** Seven real templates on ten conversations against Jinja2 3.1.6 (`fixtures/chat-templates/rendered.json`). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromJson, messageValue } from './from-json.ts';
import { Template, TemplateError } from './template.ts';
import { Text } from './text.ts';
import { List, type Value } from './values.ts';

interface Case {
  conversation: string;
  add_generation_prompt: boolean;
  tools?: true;
  rendered?: string;
  error?: string;
}

interface Rendered {
  families: Record<string, { bos_token: string; eos_token: string; cases: Case[] }>;
  conversations: Record<string, { role: string; content: string }[]>;
  tools: unknown;
}

function fixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/chat-templates/${name}`, import.meta.url), 'utf8');
}

const golden = JSON.parse(fixture('rendered.json')) as Rendered;
const LIMITS = { steps: 100_000, characters: 1_000_000, depth: 500 };
const NOW = new Date(2024, 6, 26);

describe.each(Object.entries(golden.families))('the template of %s', (name, { bos_token, eos_token, cases }) => {
  const template = new Template(fixture(`${name}.jinja`));

  it.each(cases.map((value, i) => ({ ...value, i })))(
    'renders case $i: $conversation, generation prompt $add_generation_prompt',
    ({ conversation, add_generation_prompt, tools, rendered, error }) => {
      const messages = golden.conversations[conversation];
      const variables = new Map<string, Value>([
        ['messages', new List(messages.map(({ role, content }, i) => messageValue(role, Text.from(content, i), i)))],
        ['add_generation_prompt', add_generation_prompt],
        ['bos_token', fromJson(bos_token)],
        ['eos_token', fromJson(eos_token)],
        ['tools', tools ? fromJson(golden.tools) : null],
      ]);
      const render = () => template.render({ variables, now: NOW, limits: LIMITS });
      if (error !== undefined) {
        expect(render).toThrow(TemplateError);
        expect(render).toThrow(error);
        return;
      }
      const { text } = render();
      expect(text.value).toBe(rendered);
      for (const { start, end, message } of text.marks) {
        expect(messages[message].content).toContain(text.value.slice(start, end));
      }
    },
  );
});
