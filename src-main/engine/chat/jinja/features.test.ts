/** Single features of the language against Jinja2 3.1.6 (`fixtures/chat-templates/features.json`). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromJson } from './from-json.ts';
import { Template, TemplateError } from './template.ts';

interface Case {
  template: string;
  rendered?: string;
  error?: string;
  line?: number | null;
  type?: string;
}

const url = new URL('../../fixtures/chat-templates/features.json', import.meta.url);
const golden = JSON.parse(readFileSync(url, 'utf8')) as { context: Record<string, unknown>; cases: Case[] };
const variables = new Map(Object.entries(golden.context).map(([name, value]) => [name, fromJson(value)]));
const LIMITS = { steps: 200_000, characters: 2_000_000, depth: 500 };

/** Errors whose messages differ from Python's: the same operation fails for the same reason. */
const OTHER_WORDS = [
  'can only concatenate str (not "int") to str',
  'sequence item 0: expected str instance, int found',
  'no loader for this environment specified',
  "Can't assign to special loop variable in for-loop target",
];

function render(source: string): string {
  const now = new Date(2024, 6, 6, 9, 5, 3);
  return new Template(source).render({ variables, now, limits: LIMITS }).text.value;
}

function failure(source: string): TemplateError {
  try {
    render(source);
  } catch (thrown) {
    if (thrown instanceof TemplateError) return thrown;
    throw thrown;
  }
  throw new Error(`There is no error in ${source}`);
}

describe('a template', () => {
  it.each(golden.cases.filter((value) => value.rendered !== undefined))(
    'renders $template',
    ({ template, rendered }) => {
      expect(render(template)).toBe(rendered);
    },
  );

  it.each(golden.cases.filter((value) => value.error !== undefined))(
    'fails in $template',
    ({ template, error, line, type }) => {
      const failed = failure(template);
      if (line !== null && line !== undefined) expect(failed.line).toBe(line);
      // Python's syntax errors are worded for Python programmers.
      if (type !== 'TemplateSyntaxError' && !OTHER_WORDS.includes(error!)) expect(failed.message).toBe(error);
      expect(failed.limit).toBe(false);
    },
  );
});

describe('the position of an error', () => {
  it.each([
    ['a\n  {{ x.y.z }}', 2, 9],
    ['{{ 1 +\n   nope.x }}', 2, 8],
    ['🙂🙂 {% if %}', 1, 10],
    ['a\r\nb\r\n{{ "x }}', 3, 4],
    ['{% for i in l %}\n{{ i | nosuch }}\n{% endfor %}', 2, 8],
    ['{% macro f() %}\n{{ raise_exception("no") }}{% endmacro %}\n\n{{ f() }}', 2, 4],
    ['{% if x %}\n{% for i in l %}\n{% endif %}', 3, 4],
  ])('is line and column in %j', (source, line, column) => {
    const failed = failure(source);
    expect([failed.line, failed.column]).toEqual([line, column]);
  });
});

/** Jinja2's `environment.getitem` returns undefined after any TypeError; methods and `in` are Python's own. */
describe('a key that no dict can have', () => {
  it.each(['d[[1]]', 'd[{}]', 'd[[[]]]', 'd[(1, 2)]', 'd[range]', '{"a": 1}[[1]]'])('is undefined in %s', (item) => {
    expect(render(`{{ ${item} }}|{{ ${item} is undefined }}|{{ ${item} | default("none") }}`)).toBe('|True|none');
  });

  it('is named where the item is used', () => {
    expect(failure('{{ d[[1]].x }}').message).toBe('dict object has no element [1]');
  });

  it.each(['d.get([1])', '[1] in d', '{[1]: 2}'])('is an error in %s', (expression) => {
    expect(failure(`{{ ${expression} }}`).message).toBe("unhashable type: 'list'");
  });
});
