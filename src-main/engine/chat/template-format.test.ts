import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../api/errors.ts';
import type { ChatMessage } from '../api/types.ts';
import { templateFormat, type TemplateFormatOptions } from './template-format.ts';

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/chat-templates/${name}.jinja`, import.meta.url), 'utf8');
}

type Turn = [ChatMessage['role'], string];

function render(source: string, turns: Turn[], options: Partial<TemplateFormatOptions> = {}) {
  const tokens = { bos: '<bos>', eos: '<eos>' };
  const format = templateFormat({ source, name: 'The chat template of Test', tokens, now: new Date(0), ...options });
  return format(turns.map(([role, text], index) => ({ role, text, index })));
}

function owned({ text, owners }: ReturnType<typeof render>) {
  return owners.map(({ start, end, message }) => [message, text.slice(start, end)]);
}

function failure(work: () => unknown): EngineError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
  throw new Error('There is no error.');
}

const SMOLLM2 = fixture('smollm2');

describe('templateFormat', () => {
  it('ends where the reply begins, and assigns text to messages', () => {
    const chat = render(SMOLLM2, [
      ['system', 'Be brief.'],
      ['user', 'Hi'],
    ]);
    expect(chat.text).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
    expect(chat.written.map(({ start, end }) => chat.text.slice(start, end))).toEqual(['Be brief.', 'Hi']);
    expect(chat.notices).toEqual([]);
    const all = new Map<number, string>();
    for (const [message, part] of owned(chat))
      all.set(Number(message), (all.get(Number(message)) ?? '') + String(part));
    expect([...all]).toEqual([
      [0, '<|im_start|>system\nBe brief.<|im_end|>\n'],
      [1, '<|im_start|>user\nHi<|im_end|>\n'],
    ]);
  });

  it('continues an unfinished reply unchanged, without closing it', () => {
    const turns: Turn[] = [['user', 'Count.']];
    const fresh = render(SMOLLM2, turns);
    const continued = render(SMOLLM2, [...turns, ['assistant', ' One, <|im_end|> ']]);
    expect(continued.text).toBe(`${fresh.text} One, <|im_end|> `);
    expect(continued.written.at(-1)).toEqual({
      start: fresh.text.length,
      end: continued.text.length,
      role: 'assistant',
    });
    expect(render(SMOLLM2, [...turns, ['assistant', '']]).text).toBe(fresh.text);
  });

  it('puts a system message that the template refuses before the user’s, with a notice', () => {
    const { text, notices, written } = render(fixture('gemini'), [
      ['system', 'You are a pirate.'],
      ['user', 'Hello'],
    ]);
    expect(text).toContain('<start_of_turn>user\nYou are a pirate.\n\nHello<end_of_turn>');
    expect(notices).toEqual([expect.stringContaining('no system role')]);
    expect(written.map(({ start, end }) => text.slice(start, end))).toEqual(['You are a pirate.', 'Hello']);
  });

  it('puts a system message that the template ignores before the user’s, with a notice', () => {
    const source = "{% for m in messages if m.role != 'system' %}[{{ m.role }}: {{ m.content }}]{% endfor %}";
    const { text, notices } = render(source, [
      ['system', 'Rhyme.'],
      ['user', 'Hello'],
      ['assistant', 'Yes'],
      ['user', 'Go on'],
    ]);
    expect(text).toBe('[user: Rhyme.\n\nHello][assistant: Yes][user: Go on]');
    expect(notices).toEqual([expect.stringContaining('no system role')]);
  });

  it('reports that the template itself puts the system message into the user’s', () => {
    const { text, notices } = render(fixture('gemma3'), [
      ['system', 'Rhyme.'],
      ['user', 'Hello'],
    ]);
    expect(text).toContain('<start_of_turn>user\nRhyme.\n\nHello');
    expect(notices).toEqual(['The chat template puts the system message into a user message.']);
  });

  it('joins consecutive messages of one role if the template refuses them, with a notice', () => {
    const { text, notices } = render(fixture('gemma3'), [
      ['user', 'A'],
      ['user', 'B'],
    ]);
    expect(text).toContain('<start_of_turn>user\nA\n\nB<end_of_turn>');
    expect(notices).toEqual([expect.stringContaining('joined')]);
  });

  it('reports what the template omits', () => {
    const { notices } = render('{{ messages[-1].content }}', [
      ['user', 'A'],
      ['assistant', 'B'],
      ['user', 'C'],
    ]);
    expect(notices).toEqual([
      'The chat template leaves out message 1 (role: user).',
      'The chat template leaves out message 2 (role: assistant).',
    ]);
  });

  it('gives lists of parts to a template that reads them, with the origin of their text', () => {
    const source = `{% for message in messages %}{{ message['role'] | capitalize }}: {% for line in message['content'] %}
{%- if line['type'] == 'text' %}{{ line['text'] }}{% elif line['type'] == 'image' %}<image>{% endif %}
{%- endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}`;
    const turns: Turn[] = [
      ['system', 'Be brief.'],
      ['user', 'hello'],
      ['assistant', 'hi'],
      ['user', ' '],
    ];
    const { text, written, notices } = render(source, turns);
    expect(text).toBe(
      'System: Be brief.<end_of_utterance>\nUser: hello<end_of_utterance>\nAssistant: hi<end_of_utterance>\n' +
        'User:  <end_of_utterance>\nAssistant:',
    );
    expect(written.map(({ start, end, role }) => [role, text.slice(start, end)])).toEqual(turns);
    expect(notices).toEqual([]);
    const failing = "{% for m in messages %}{{ m.content[0]['text'] + '|' }}{% endfor %}";
    expect(render(failing, [['user', 'hello']]).text).toBe('hello|');
    const failingWithout = "{% set system = messages[0].content[0]['text'] + '|' %}{{ bos_token }}";
    expect(failure(() => render(failingWithout, [['user', 'hello']])).message).toContain("has no attribute 'text'");
  });

  it('gives texts to a template that reads both, or only leaves out a reply', () => {
    const both = "{% for m in messages %}{{ m.content if m.content is string else 'parts' }}{% endfor %}";
    expect(render(both, [['user', 'hello']]).text).toBe('hello');
    const withoutReasoning =
      "{% for m in messages %}{{ m.content.split('</think>')[-1] if m.content is string else m.content | tojson }}|{% endfor %}";
    const { text, notices } = render(withoutReasoning, [
      ['user', 'a'],
      ['assistant', '<think>b</think>'],
      ['user', 'c'],
    ]);
    expect(text).toBe('a||c|');
    expect(notices).toEqual(['The chat template leaves out message 2 (role: assistant).']);
  });

  it('tracks a text through template operations', () => {
    const { text, written } = render(
      "{% for m in messages %}{{ (m.content | trim).split('</think>')[-1].lstrip('\\n') | upper }}|{% endfor %}",
      [
        ['assistant', '<think>\nhm\n</think>\n\nyes '],
        ['user', ' no '],
      ],
    );
    expect(text).toBe('YES|NO|');
    expect(written.map(({ start, end }) => text.slice(start, end))).toEqual(['YES', 'NO']);
  });

  it('passes the thinking setting to the template, if set', () => {
    const turns: Turn[] = [['user', 'Hi']];
    const qwen = fixture('qwen3');
    expect(render(qwen, turns).text).toMatch(/<\|im_start\|>assistant\n$/);
    expect(render(qwen, turns, { enableThinking: true }).text).toMatch(/<\|im_start\|>assistant\n$/);
    expect(render(qwen, turns, { enableThinking: false }).text).toMatch(/<think>\n\n<\/think>\n\n$/);
  });

  it('passes the thinking setting under the name that Granite’s and DeepSeek’s templates read', () => {
    const turns: Turn[] = [['user', 'Hi']];
    const source = `{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}
{%- elif thinking %}{%- set system_message = 'Write your thoughts between <think></think>.' %}
{%- else %}{%- set system_message = 'You are a helpful assistant.' %}{%- endif %}
{{- system_message }}|{%- for message in messages %}{{ message['content'] }}{%- endfor %}`;
    expect(render(source, turns).text).toBe('You are a helpful assistant.|Hi');
    expect(render(source, turns, { enableThinking: false }).text).toBe('You are a helpful assistant.|Hi');
    expect(render(source, turns, { enableThinking: true }).text).toBe(
      'Write your thoughts between <think></think>.|Hi',
    );
  });

  it('names line and column of an error, and offers the plain template', () => {
    const broken = failure(() => render('a\n {% if x %}', []));
    expect(broken.code).toBe('CHAT_TEMPLATE');
    expect(broken.details).toEqual({
      line: 2,
      column: 5,
      reason: 'this "if" is not closed: "endif" is missing',
    });
    expect(broken.message).toBe(
      'The chat template of Test failed at line 2, column 5: this "if" is not closed: "endif" is missing. You can use the plain template instead.',
    );
    const refused = failure(() => render("{{ raise_exception('Not with me.') }}", [['user', 'Hi']]));
    expect(refused.message).toContain('line 1, column 4: Not with me. You can use the plain template');
    const endless = failure(() => render('{{ "a" * 10 ** 9 }}', [['user', 'Hi']]));
    expect(endless.message).toContain('was stopped at line 1, column 8');
  });

  it('allows long chats', () => {
    const long = 'word '.repeat(100_000);
    const turns = Array.from({ length: 41 }, (_, i): Turn => [i % 2 === 0 ? 'user' : 'assistant', long]);
    for (const name of ['qwen3', 'deepseek_v3', 'gemma3', 'llama3_1', 'smollm2']) {
      expect(render(fixture(name), turns).text.length).toBeGreaterThan(41 * 400_000);
    }
    const many = Array.from({ length: 9_999 }, (_, i): Turn => [i % 2 === 0 ? 'user' : 'assistant', 'word']);
    expect(render(fixture('qwen3'), many).text.length).toBeGreaterThan(9_999 * 4);
  });
});
