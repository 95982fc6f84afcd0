/** Templates that would take forever, or all memory, or the whole stack: each ends in an error within a second on our machines. */
import { describe, expect, it } from 'vitest';
import { cpuMs, SLOWEST_MACHINE } from '../../test-support/cpu-time.ts';
import { templateLimits } from './budget.ts';
import { messageValue } from './from-json.ts';
import { Template, TemplateError } from './template.ts';
import { Text } from './text.ts';
import { List } from './values.ts';

const WITHIN_MS = 1000 * SLOWEST_MACHINE;

const HOSTILE: readonly (readonly [string, string])[] = [
  [
    'nested loops',
    '{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}x{% endfor %}{% endfor %}{% endfor %}',
  ],
  [
    'loops that write nothing',
    '{% for a in range(100000) %}{% for b in range(100000) %}{% set x = a %}{% endfor %}{% endfor %}',
  ],
  [
    'a loop over a text that grows',
    '{% set ns = namespace(s="ab") %}{% for a in range(100000) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}',
  ],
  ['1 GB by multiplication', '{{ "a" * 10 ** 9 }}'],
  ['1 GB by multiplication in steps', '{% set a = "a" * 1000000 %}{{ (a * 1000) | length }}'],
  ['a list of 10^9', '{{ ([1] * 10 ** 9) | length }}'],
  ['a list of nothing 10^9 times', '{{ ("" * 10 ** 9) ~ ([] * 10 ** 9) }}'],
  ['1 GB by join', '{{ range(100000) | join("a" * 100000) }}'],
  ['1 GB by replace', '{% set a = "a" * 100000 %}{{ a | replace("a", a) }}'],
  ['1 GB by replacing nothing', '{% set a = "a" * 100000 %}{{ a.replace("", a) }}'],
  [
    '1 GB by loops',
    '{% for a in range(100000) %}{% for b in range(100000) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}{% endfor %}',
  ],
  ['1 GB by width', '{{ "a".center(10 ** 9) }}{{ "%1000000000s" | format("a") }}'],
  ['a number with 10^9 digits', '{{ "%.1000000000f" | format(1.5) }}{{ "{:>999999999}".format(1) }}'],
  ['indentation', '{{ ("a\\n" * 100000) | indent(100000) }}'],
  [
    'an indented list inside lists',
    '{% set ns = namespace(l=[]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson(indent=100) }}',
  ],
  [
    'a small list that is a large tree',
    '{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}',
  ],
  [
    'comparing large trees',
    '{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}',
  ],
  [
    'a list deeper than the stack',
    '{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}',
  ],
  [
    'a key deeper than the stack',
    '{% set ns = namespace(l=()) %}{% for i in range(90000) %}{% set ns.l = (ns.l,) %}{% endfor %}{{ {ns.l: 1} }}',
  ],
  [
    'a key that is a large tree',
    '{% set ns = namespace(l=(1,)) %}{% for i in range(60) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ {ns.l: 1} }}',
  ],
  ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}'],
  [
    'a macro that calls itself twice',
    '{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}',
  ],
  [
    'macros that call each other',
    '{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}',
  ],
  [
    'a caller that calls',
    '{% macro f() %}{{ caller() }}{% endmacro %}{% macro g() %}{% call f() %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}',
  ],
  ['a recursive loop without end', '{% set l = [1] %}{% for x in l recursive %}{{ loop(l) }}{% endfor %}'],
  ['a default that calls', '{% macro f(a=f()) %}{% endmacro %}{{ f() }}'],
  ['searching the worst way', '{% set a = "a" * 1000000 %}{{ ("b" ~ "a" * 500000) in a }}'],
  ['splitting the worst way', '{% set a = "a" * 1000000 %}{{ a.split("b" ~ "a" * 500000) | length }}'],
  ['trimming again and again', '{% set a = " " * 1000000 %}{% for i in range(100000) %}{{ a | trim }}{% endfor %}'],
  [
    'length again and again',
    '{% set a = "🙂" * 1000000 %}{% for i in range(100000) %}{% if a | length == 1 %}x{% endif %}{% endfor %}',
  ],
  [
    'one character again and again',
    '{% set a = "🙂" * 1000000 %}{% for i in range(100000) %}{% if a[5] == "a" %}x{% endif %}{% endfor %}',
  ],
  [
    'comparing long texts',
    '{% set a = "a" * 1000000 %}{% set b = "a" * 1000000 %}{% for i in range(100000) %}{% if a == b %}{% endif %}{% endfor %}',
  ],
  [
    'long keys',
    '{% set a = "a" * 1000000 %}{% set d = {a: 1} %}{% for i in range(100000) %}{% if d[a] %}{% endif %}{% endfor %}',
  ],
  ['sorting', '{% for i in range(1000) %}{% set x = range(100000) | sort(reverse=true) %}{% endfor %}'],
  ['unique', '{{ range(100000) | unique | list | length }}'],
  ['groups', '{% for i in range(100) %}{{ range(100000) | groupby(0) | length }}{% endfor %}'],
  [
    'map over map',
    '{% for i in range(1000) %}{{ range(100000) | map("string") | map("upper") | list | length }}{% endfor %}',
  ],
  ['the sum of texts', '{% set l = ["a" * 1000] * 10000 %}{{ l | sum(start="") }}'],
  ['the sum of lists', '{% set l = [[1] * 1000] * 10000 %}{{ l | sum(start=[]) | length }}'],
  [
    'marks of messages without number',
    '{% set ns = namespace(s="") %}{% for i in range(100000) %}{% set ns.s = ns.s ~ "a" ~ messages[0].content[0] %}{{ ns.s[:-1] }}{% endfor %}',
  ],
  ['filter blocks', '{% filter replace("a", "aaaaaaaaaa") %}'.repeat(30) + 'a' + '{% endfilter %}'.repeat(30)],
  ['power', '{{ 9 ** 9 ** 9 }}'],
  ['deep parentheses', `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`],
  ['deep lists', `{{ ${'['.repeat(50_000)}${']'.repeat(50_000)} }}`],
  ['deep negation', `{{ ${'not '.repeat(50_000)}1 }}`],
  ['deep signs', `{{ ${'-'.repeat(50_000)}1 }}`],
  ['deep blocks', '{% if 1 %}'.repeat(20_000) + '{% endif %}'.repeat(20_000)],
  ['a long sum', `{{ ${'1 + '.repeat(50_000)}1 }}`],
  ['a long row of filters', `{{ 1${' | string'.repeat(20_000)} }}`],
  ['a long row of attributes', `{{ messages${'.x'.repeat(50_000)} }}`],
  ['a long row of conditions', `{{ ${'1 if 0 else '.repeat(20_000)}1 }}`],
  ['a comment without end', '{#'.repeat(50_000)],
  ['a text without end', `{{ "${'\\'.repeat(100_001)}" }}`],
  ['many digits', `{{ ${'1'.repeat(100_000)} }}`],
  ['many digits with lines', `{{ ${'1_'.repeat(100_000)}e }}`],
];

describe('a hostile template ends in an error', () => {
  it.each(HOSTILE)('%s', (_, source) => {
    const content = 'Hello';
    const variables = new Map([['messages', new List([messageValue('user', Text.from(content, 0), 0)])]]);
    const render = () =>
      new Template(source).render({ variables, now: new Date(), limits: templateLimits(content.length, 1) });
    expect(cpuMs(() => expect(render).toThrow(TemplateError))).toBeLessThan(WITHIN_MS);
  });
});
