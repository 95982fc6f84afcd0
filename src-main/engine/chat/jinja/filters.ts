import { bind, textOf, wholeNumber } from './arguments.ts';
import type { Budget } from './budget.ts';
import { TemplateFault } from './fault.ts';
import { formatPercent, indentation, pad, splitLines } from './format.ts';
import { LIST_FILTERS } from './list-filters.ts';
import { capitalized, methodOf, replaceText } from './methods.ts';
import { whole } from './operators.ts';
import type { Filter } from './runtime.ts';
import { iterate, lengthOf } from './sequence.ts';
import { show, toJson } from './show.ts';
import { joinTexts, Text } from './text.ts';
import { asNumber, Dict, Float, Func, isText, isTruthy, List, typeName, Undefined, type Value } from './values.ts';

/** A filter that makes a text of the value's text. */
const onText = (name: string, change: (text: Text, budget: Budget) => Text): Filter => {
  return (value, args, { budget }) => {
    bind(name, [], args);
    const text = show(value, budget);
    budget.text(text.value.length);
    return change(text, budget);
  };
};

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

const escapeHtml = onText('escape', (text) =>
  text.map((part) => part.replaceAll(/[&<>"']/g, (character) => ESCAPES[character])),
);

const fallback: Filter = (value, args) => {
  const [other = Text.empty, empty = false] = bind('default', ['default_value', 'boolean'], args);
  return value instanceof Undefined || (isTruthy(empty) && !isTruthy(value)) ? other : value;
};

const length: Filter = (value, _args, { budget }) => lengthOf(value, budget);

function numberOf(name: string, value: Value): number {
  const number = asNumber(value);
  if (number === null) throw new TemplateFault(`${name} needs a number, not '${typeName(value)}'`);
  return number;
}

/** The number that a text spells, as Python's `int` and `float` read it; null for others. */
function readNumber(value: Value): number | null {
  if (!isText(value)) return asNumber(value);
  const digits = value.value.trim().replaceAll(/(?<=\d)_(?=\d)/g, '');
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(digits) ? Number(digits) : null;
}

/** Jinja's own title case: unlike Python's, an apostrophe begins no word. */
function titleWords(value: string): string {
  return value.replaceAll(/[^-\s({[<]+/g, capitalized);
}

/** Jinja's filters by the name after `|`. */
export const FILTERS: Readonly<Record<string, Filter>> = {
  ...LIST_FILTERS,
  upper: onText('upper', (text) => text.map((part) => part.toUpperCase())),
  lower: onText('lower', (text) => text.map((part) => part.toLowerCase())),
  title: onText('title', (text) => text.map(titleWords)),
  capitalize: onText('capitalize', (text) => text.remade(capitalized(text.value))),
  string: (value, _args, { budget }) => show(value, budget),
  safe: (value, _args, { budget }) => show(value, budget),
  escape: escapeHtml,
  e: escapeHtml,
  forceescape: escapeHtml,
  default: fallback,
  d: fallback,
  length,
  count: length,
  wordcount: (value, _args, { budget }) => {
    const { value: text } = show(value, budget);
    budget.text(text.length);
    return text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0;
  },
  trim(value, args, { budget }) {
    const [set = null] = bind('trim', ['chars'], args);
    const text = show(value, budget);
    budget.text(text.value.length);
    return text.strip(set === null ? null : textOf('trim', set));
  },
  replace(value, args, { budget }) {
    const [from, to, count] = bind('replace', ['old', 'new', 'count'], args, 2);
    const most = wholeNumber('replace', count, -1);
    const [old, replacement] = [show(from!, budget), show(to!, budget)];
    return replaceText(show(value, budget), old, replacement, most < 0 ? Infinity : most, budget);
  },
  indent(value, args, { budget }) {
    const [width, first = false, blank = false] = bind('indent', ['width', 'first', 'blank'], args);
    const unit = indentation(width, 4, budget);
    budget.text(show(value, budget).value.length);
    const lines = splitLines(joinTexts([show(value, budget), new Text('\n')]), false);
    budget.text(lines.reduce((sum, line) => sum + line.value.length + unit.length, 0));
    const indented = lines.map((line, i) => {
      const wanted = i === 0 ? isTruthy(first) : isTruthy(blank) || line.value !== '';
      return wanted ? joinTexts([new Text(unit), line]) : line;
    });
    return joinTexts(indented, new Text('\n'));
  },
  center(value, args, { budget }) {
    return pad(show(value, budget), wholeNumber('center', bind('center', ['width'], args)[0], 80), '^', ' ', budget);
  },
  truncate(value, args, { budget }) {
    const [most, cut = false, end, leeway] = bind('truncate', ['length', 'killwords', 'end', 'leeway'], args);
    const [size, slack] = [wholeNumber('truncate', most, 255), wholeNumber('truncate', leeway, 5)];
    const tail = new Text(end === undefined ? '...' : textOf('truncate', end));
    const text = show(value, budget);
    budget.text(text.value.length);
    if (text.length <= size + slack) return text;
    const kept = joinTexts(text.characters().slice(0, Math.max(0, size - tail.length)));
    const space = kept.value.lastIndexOf(' ');
    return joinTexts([isTruthy(cut) || space === -1 ? kept : kept.cut(0, space), tail]);
  },
  format: (value, { positional, keywords }, { budget }) => {
    const named = new Dict(
      new Map(Array.from(keywords, ([name, entry]) => [`s${name}`, { key: new Text(name), value: entry }])),
    );
    return formatPercent(show(value, budget), keywords.size > 0 ? [named] : positional, budget);
  },
  tojson(value, args, { budget }) {
    const names = ['ensure_ascii', 'indent', 'separators', 'sort_keys'];
    const [ascii = false, indent = null, separators = null, sorted = false] = bind('tojson', names, args);
    const pair = separators === null ? null : iterate(separators, budget).map((part) => textOf('tojson', part));
    if (pair && pair.length !== 2) throw new TemplateFault('tojson needs two separators');
    const options = {
      indent: indent === null ? null : indentation(indent, 0, budget),
      separators: [pair?.[0] ?? (indent === null ? ', ' : ','), pair?.[1] ?? ': '] as const,
      sortKeys: isTruthy(sorted),
      ensureAscii: isTruthy(ascii),
    };
    return toJson(value, options, budget);
  },
  abs: (value) => {
    const number = Math.abs(numberOf('abs', value));
    return value instanceof Float ? new Float(number) : number;
  },
  int(value, args) {
    const [other = 0] = bind('int', ['default', 'base'], args);
    const number = readNumber(value);
    return number === null ? other : whole(Math.trunc(number));
  },
  float(value, args) {
    const [other = new Float(0)] = bind('float', ['default'], args);
    const number = readNumber(value);
    return number === null ? other : new Float(number);
  },
  round(value, args) {
    const [precision, method = new Text('common')] = bind('round', ['precision', 'method'], args);
    const scale = 10 ** wholeNumber('round', precision, 0);
    const scaled = numberOf('round', value) * scale;
    const how = textOf('round', method);
    if (how === 'ceil') return new Float(Math.ceil(scaled) / scale);
    if (how === 'floor') return new Float(Math.floor(scaled) / scale);
    // Python rounds halves to the even neighbour.
    const down = Math.floor(scaled);
    const half = scaled - down === 0.5;
    return new Float((half ? down + (Math.abs(down) % 2) : Math.round(scaled)) / scale);
  },
  items(value) {
    if (value instanceof Undefined) return new List([]);
    if (!(value instanceof Dict)) throw new TemplateFault('Can only get item pairs from a mapping.');
    return new List(Array.from(value.entries.values(), ({ key, value: entry }) => new List([key, entry], true)));
  },
  attr(value, args, runtime) {
    const name = textOf('attr', bind('attr', ['name'], args, 1)[0]);
    const method = methodOf(value, name, runtime.budget);
    return method instanceof Func ? method : new Undefined(`'${typeName(value)} object' has no attribute '${name}'`);
  },
};
