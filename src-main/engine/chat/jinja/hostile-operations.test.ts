/**
 * Every filter, method, test, function and operator on a text of 2^20 characters and on lists and dicts of 10^5 entries,
 * a thousand times. Each exceeds the limits, or is one of the few with constant cost. An eighth of all that, including
 * the limits, unless it is the full run.
 */
import { describe, expect, it } from 'vitest';
import { cpuMs, SLOWEST_MACHINE } from '../../test-support/cpu-time.ts';
import { templateLimits } from './budget.ts';
import { FILTERS } from './filters.ts';
import { globals } from './globals.ts';
import { DICT_METHODS, LIST_METHODS, TEXT_METHODS } from './methods.ts';
import { Template, TemplateError } from './template.ts';
import { TESTS } from './tests.ts';
import { Text } from './text.ts';
import { dictOf, List, type Value } from './values.ts';

const PART = process.env.TOKENSCOPE_TEST_FULL === '1' ? 1 : 8;
const TIMES = 1000;
const WITHIN_MS = (1500 * SLOWEST_MACHINE) / PART;
const CHARACTERS = 2 ** 20 / PART;
const ITEMS = 100_000 / PART;
const WHOLE = templateLimits(0, 1);
const LIMITS = { ...WHOLE, steps: WHOLE.steps / PART, characters: WHOLE.characters / PART };

const mixed = 'aB1 \n<"\u0080'.repeat(CHARACTERS / 8);
const numbers = Array.from({ length: ITEMS }, (_, i) => i);
const texts = numbers.map((i) => new Text(`k${i}`));
const VALUES = new Map<string, Value>([
  ['text', new Text(mixed)],
  // Equal, but not the same string in memory.
  ['same', new Text(`${mixed.slice(0, 8)}${mixed.slice(8)}`)],
  [
    'marked',
    new Text(
      mixed,
      Array.from({ length: 1000 }, (_, i) => ({ start: 8 * i, end: 8 * i + 1, message: i })),
    ),
  ],
  ['emoji', new Text('🙂'.repeat(CHARACTERS / 2))],
  ['upper', new Text('A'.repeat(CHARACTERS))],
  ['digits', new Text('1'.repeat(CHARACTERS))],
  ['notNumber', new Text(`${'1'.repeat(CHARACTERS)}x`)],
  ['spaces', new Text(' '.repeat(CHARACTERS))],
  ['keys', new Text('%('.repeat(CHARACTERS / 2))],
  ['percent', new Text('%%'.repeat(CHARACTERS / 2))],
  ['braces', new Text('{{'.repeat(CHARACTERS / 2))],
  ['dates', new Text('%F'.repeat(CHARACTERS / 2))],
  ['worst', new Text(`b${'a'.repeat(CHARACTERS / 2)}`)],
  ['list', new List(numbers)],
  ['twin', new List(numbers)],
  ['texts', new List(texts)],
  ['pairs', dictOf(texts.map((text, i) => [text, i]))],
  ['other', dictOf(texts.map((text, i) => [text, i]))],
  ['dicts', new List(numbers.map((i) => dictOf([[new Text('k'), i]])))],
]);

const FREE = 'free';

/** The expressions for each name. `free`: the cost is constant, so it may end without an error. */
type Table = Readonly<Record<string, readonly string[]>>;

const free = (expression: string): readonly string[] => [FREE, expression];
const onTexts = (call: string): readonly string[] => ['text', 'marked', 'emoji'].map((name) => `${name}${call}`);

const TEXT_TABLE: Table = {
  upper: onTexts('.upper()'),
  lower: onTexts('.lower()'),
  title: onTexts('.title()'),
  capitalize: onTexts('.capitalize()'),
  swapcase: onTexts('.swapcase()'),
  strip: ['spaces.strip()', 'spaces.strip(spaces)', 'text.strip(text)'],
  lstrip: ['spaces.lstrip()'],
  rstrip: ['spaces.rstrip(text)'],
  startswith: ['text.startswith(same)', 'text.startswith(texts)', 'text.startswith((same, same))'],
  endswith: ['text.endswith(same)'],
  split: ['text.split()', 'text.split("a")', 'text.split(worst)', 'text.split("a", 1)', 'text.split(none, 1)'],
  rsplit: ['text.rsplit()', 'text.rsplit("a", 1)', 'text.rsplit(none, 1)'],
  splitlines: ['text.splitlines()', 'text.splitlines(true)'],
  find: ['text.find("z")', 'upper.find(worst)', 'text.find("\\x80")'],
  rfind: ['text.rfind("z")'],
  index: ['text.index("\\x80")'],
  rindex: ['text.rindex("a")'],
  count: ['text.count("a")', 'upper.count(worst)'],
  replace: ['text.replace("z", "")', 'text.replace("a", "b")', 'text.replace("", "b")', 'text.replace("a", text)'],
  join: ['"".join(texts)', 'text.join(texts)', '",".join(text)'],
  removeprefix: ['text.removeprefix("a")', 'text.removeprefix(same)'],
  removesuffix: ['text.removesuffix("\\x80")', 'text.removesuffix(same)'],
  partition: ['text.partition("z")', 'text.partition("a")'],
  format: ['text.format()', 'braces.format()', '"{}{}".format(text, text)', '"{:>999999}".format("a")'],
  zfill: ['text.zfill(9)', '"1".zfill(999999)'],
  ljust: ['text.ljust(9)', '"1".ljust(999999)'],
  rjust: ['text.rjust(9)', '"1".rjust(999999)'],
  center: ['text.center(9)', '"1".center(999999)'],
  isdigit: ['digits.isdigit()'],
  isnumeric: ['digits.isnumeric()'],
  isdecimal: ['digits.isdecimal()'],
  isalpha: ['upper.isalpha()'],
  isalnum: ['digits.isalnum()'],
  isspace: ['spaces.isspace()'],
  isupper: ['upper.isupper()', 'digits.isupper()'],
  islower: ['text.islower()', 'digits.islower()'],
};

const LIST_TABLE: Table = {
  count: ['list.count(1)'],
  index: [`list.index(${ITEMS - 1})`, `texts.index("k${ITEMS - 1}")`],
};

const DICT_TABLE: Table = {
  get: ['pairs.get(text)'],
  items: ['pairs.items()'],
  keys: ['pairs.keys()'],
  values: ['pairs.values()'],
  copy: ['pairs.copy()'],
};

const FUNCTION_TABLE: Table = {
  range: ['range(100000)'],
  dict: ['dict(pairs)', 'dict(**pairs)', 'dict(pairs.items())'],
  namespace: ['namespace(pairs)', 'namespace(**pairs)'],
  raise_exception: [],
  strftime_now: ['strftime_now(text)', 'strftime_now(dates)'],
  cycler: ['cycler(*list)'],
  joiner: free('joiner(text)()'),
};

const FILTER_TABLE: Table = {
  map: ['list | map("string")', 'dicts | map(attribute="k")', 'list | map(attribute=text)', 'text | map("upper")'],
  select: ['list | select', 'list | select("odd")', 'text | select'],
  reject: ['list | reject', 'list | reject("in", list)'],
  selectattr: ['dicts | selectattr("k")', 'dicts | selectattr("k", "eq", 1)'],
  rejectattr: ['dicts | rejectattr("k")'],
  max: ['list | max', 'texts | max', 'text | max'],
  min: ['list | min', 'pairs | min'],
  list: ['list | list', 'pairs | list', 'text | list', 'emoji | list'],
  first: ['list | first', 'pairs | first', 'text | first'],
  last: ['list | last', 'pairs | last', 'text | last'],
  reverse: ['list | reverse', 'text | reverse', 'emoji | reverse'],
  join: ['list | join', 'texts | join(text)', 'text | join(",")', 'dicts | join(attribute="k")'],
  sum: ['list | sum', 'texts | sum(start="")', 'dicts | sum(attribute="k")'],
  sort: ['list | sort', 'texts | sort(reverse=true)', 'dicts | sort(attribute="k")', 'text | sort'],
  dictsort: ['pairs | dictsort', 'pairs | dictsort(by="value")'],
  unique: ['list | unique', 'texts | unique', 'text | unique'],
  groupby: ['dicts | groupby("k")'],
  batch: ['list | batch(1)', 'list | batch(3, 0)', '[1] | batch(99999, 0)', 'text | batch(7)'],
  slice: ['list | slice(99999)', 'list | slice(3, 0)', '[] | slice(99999)', 'text | slice(7)'],
  upper: onTexts(' | upper'),
  lower: onTexts(' | lower'),
  title: onTexts(' | title'),
  capitalize: onTexts(' | capitalize'),
  string: ['list | string', 'pairs | string', 'dicts | string'],
  safe: ['list | safe'],
  escape: onTexts(' | escape'),
  e: ['text | e'],
  forceescape: ['text | forceescape'],
  default: free('text | default(text, true)'),
  d: free('text | d("")'),
  length: ['text | length', 'emoji | length'],
  count: free('list | count + (pairs | count)'),
  wordcount: onTexts(' | wordcount'),
  trim: ['text | trim', 'spaces | trim', 'spaces | trim(spaces)', 'list | trim'],
  replace: ['text | replace("z", "")', 'text | replace("a", text)', 'list | replace("a", "b")'],
  indent: ['text | indent', 'text | indent(99999)', 'text | indent(text)', '"a" | indent(999999, true)'],
  center: ['text | center', '"a" | center(999999)'],
  truncate: [
    'text | truncate',
    'emoji | truncate(1000)',
    'text | truncate(1000000)',
    'text | truncate(99, true, text)',
  ],
  format: ['"%s%s" | format(text, text)', 'percent | format', '"%999999s" | format("a")'],
  tojson: [
    'text | tojson',
    'text | tojson(ensure_ascii=true)',
    'pairs | tojson(sort_keys=true)',
    'list | tojson(indent=9)',
  ],
  abs: free('9 | abs'),
  int: ['notNumber | int', 'spaces | int', 'list | map("int")'],
  float: ['digits | float', 'notNumber | float'],
  round: free('9.5 | round'),
  items: ['pairs | items'],
  attr: ['list | attr(text)'],
};

const compared = (operator: string): readonly string[] => [
  `text is ${operator} same`,
  ...(/^(eq|ne|[=!])/.test(operator) ? [`pairs is ${operator} other`] : []),
  `list is ${operator} twin`,
];
const typed = (name: string): readonly string[] => free(`(text is ${name}) or (list is ${name}) or (pairs is ${name})`);

const TEST_TABLE: Table = {
  ...Object.fromEntries(
    ['defined', 'undefined', 'none', 'boolean', 'true', 'false', 'integer', 'float', 'number', 'string', 'mapping']
      .concat(['sequence', 'iterable', 'callable', 'escaped'])
      .map((name) => [name, typed(name)]),
  ),
  lower: ['text is lower', 'upper is lower', 'digits is lower'],
  upper: ['upper is upper', 'digits is upper'],
  odd: free('9 is odd'),
  even: free('9 is even'),
  divisibleby: free('9 is divisibleby(3)'),
  sameas: ['text is sameas(same)'],
  in: ['"z" is in(text)', '-1 is in(list)', 'text is in(pairs)', 'worst is in(upper)'],
  eq: compared('eq'),
  equalto: compared('equalto'),
  ne: compared('ne'),
  lt: compared('lt'),
  lessthan: compared('lessthan'),
  le: compared('le'),
  gt: compared('gt'),
  greaterthan: compared('greaterthan'),
  ge: compared('ge'),
  // Names that only `select` and similar filters accept.
  ...Object.fromEntries(
    ['==', '!=', '<', '<=', '>', '>='].map((name) => [
      name,
      [`[text] | select("${name}", same)`, `[list] | select("${name}", twin)`],
    ]),
  ),
};

const OPERATOR_TABLE: Table = {
  '+': ['text + text', 'marked + marked', 'list + list'],
  '*': ['text * 2', 'marked * 2', '"a" * 999999', 'list * 2', '[1] * 99999', '[] * 999999'],
  '%': ['"%s%s" % (text, text)', 'percent % ()', '"%s" % list'],
  '~': ['text ~ text', 'list ~ ""', 'pairs ~ ""'],
  '==': ['text == same', 'list == twin', 'pairs == other'],
  '!=': ['text != same', 'list != twin', 'pairs != other'],
  '<': ['text < same', 'list < twin'],
  '<=': ['text <= same'],
  '>': ['text > same'],
  '>=': ['text >= same'],
  in: ['"z" in text', 'worst in upper', '-1 in list', 'text in pairs', '"k" in texts'],
  'not in': ['"z" not in text', '-1 not in list'],
  'an item': ['text[5]', 'emoji[5]', 'emoji[-1]', 'pairs[text]', 'pairs[list]'],
  'a slice': ['text[1:]', 'emoji[1:-1]', 'text[::-1]', 'emoji[::2]', 'list[1:]', 'list[::-1]'],
  'a spread': ['"".format(*list)', '"".format(**pairs)', '"".format(*text)'],
  literals: [`"${'x'.repeat(99_999)}"`, `{"${'x'.repeat(99_999)}": 1}`, `text["${'x'.repeat(99_999)}"]`],
  attributes: [`pairs.${'x'.repeat(99_999)}`],
};

/** Statements around `{% set x = … %}`, combined with the tables above. */
const STATEMENTS: readonly string[] = [
  '{% for x in list %}{% endfor %}',
  '{% for x in text %}{% endfor %}',
  '{% for x in pairs %}{% endfor %}',
  '{% for x in list if x %}{% endfor %}',
  '{% set x %}{{ text }}{% endset %}',
  '{% filter upper %}{{ text }}{% endfilter %}',
  '{% for x in [1] recursive %}{{ text }}{% endfor %}',
  '{% macro f() %}{{ text }}{% endmacro %}{% set x = f() %}',
  '{% macro f() %}{{ varargs | length }}{% endmacro %}{% set x = f(*list) %}',
  '{% macro f() %}{{ kwargs | length }}{% endmacro %}{% set x = f(**pairs) %}',
  '{{ text }}',
  '{{ list }}',
  '{{ loop.changed(text, same) }}{{ loop.changed(same, text) }}',
  '{{ loop.cycle(*list) }}',
];

/** Whether it exceeded the limits; false if it rendered. @throws for any other error, and when it takes long */
function exceeds(body: string): boolean {
  const template = new Template(`{% for i in range(${TIMES}) %}${body}{% endfor %}`);
  let limit = false;
  const render = () => {
    try {
      template.render({ variables: VALUES, now: new Date(2024, 0, 1), limits: LIMITS });
    } catch (thrown) {
      if (!(thrown instanceof TemplateError) || !thrown.limit) throw thrown;
      limit = true;
    }
  };
  const ms = cpuMs(render);
  // V8 compiles and collects garbage in between: it has a second try.
  expect(ms < WITHIN_MS ? ms : cpuMs(render), 'CPU ms').toBeLessThan(WITHIN_MS);
  return limit;
}

describe.each<[kind: string, table: Table, names: readonly string[] | null]>([
  ['filter', FILTER_TABLE, Object.keys(FILTERS)],
  ['method of texts', TEXT_TABLE, Object.keys(TEXT_METHODS)],
  ['method of lists', LIST_TABLE, Object.keys(LIST_METHODS)],
  ['method of dicts', DICT_TABLE, Object.keys(DICT_METHODS)],
  ['test', TEST_TABLE, Object.keys(TESTS)],
  ['function', FUNCTION_TABLE, [...globals(new Date()).keys()]],
  ['operator', OPERATOR_TABLE, null],
])('every %s stops at the limits', (_, table, names) => {
  it('is covered', () => {
    expect(Object.keys(table).toSorted()).toEqual((names ?? Object.keys(table)).toSorted());
  });

  it.each(Object.entries(table))('%s', (_name, row) => {
    const expressions = row.filter((expression) => expression !== FREE);
    const stopped = expressions.filter((expression) => exceeds(`{% set x = ${expression} %}`));
    expect(stopped).toEqual(row[0] === FREE ? [] : expressions);
  });
});

it('a format searches for the end of a key only once', () => {
  for (const expression of ['keys | format', 'keys % 1']) {
    const render = () => exceeds(`{% set x = ${expression} %}`);
    expect(cpuMs(() => expect(render).toThrow('incomplete format key'))).toBeLessThan(WITHIN_MS);
  }
});

describe('every statement stops at the limits', () => {
  it.each(STATEMENTS)('%s', (statement) => {
    expect(exceeds(statement)).toBe(true);
  });
});
