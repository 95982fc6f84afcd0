import { bind, textOf, wholeNumber } from './arguments.ts';
import { TemplateFault } from './fault.ts';
import { formatPercent, indentation, pad, splitLines } from './format.ts';
import { LIST_FILTERS } from './list-filters.ts';
import { capitalized, methodOf, replaceText } from './methods.ts';
import { whole } from './operators.ts';
import { iterate, lengthOf } from './sequence.ts';
import { show, toJson } from './show.ts';
import { joinTexts, Text } from './text.ts';
import {
  asNumber,
  Dict,
  Float,
  Func,
  isText,
  isTruthy,
  List,
  typeName,
  Undefined,
  type Value,
  type Filter,
} from './values.ts';

/** A filter that changes the value's text. */
const onText = (name: string, change: (text: Text) => Text): Filter => {
  return (value, args) => {
    bind(name, [], args);
    return change(show(value));
  };
};

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

const escapeHtml = onText('escape', (text) => text.mapMatches(/[&<>"']/g, (character) => ESCAPES[character]));

const fallback: Filter = (value, args) => {
  const [other = Text.empty, empty = false] = bind('default', ['default_value', 'boolean'], args);
  return value instanceof Undefined || (isTruthy(empty) && !isTruthy(value)) ? other : value;
};

const length: Filter = (value) => lengthOf(value);

function numberOf(name: string, value: Value): number {
  const number = asNumber(value);
  if (number === null) throw new TemplateFault(`${name} needs a number, not '${typeName(value)}'`);
  return number;
}

/** Parses a number like Python's `int` and `float`; null for other texts. */
function readNumber(value: Value): number | null {
  if (!isText(value)) return asNumber(value);
  const digits = value.value.trim().replaceAll(/(?<=\d)_(?=\d)/g, '');
  return /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(digits) ? Number(digits) : null;
}

/** Jinja's filters by name. */
export const FILTERS: Readonly<Record<string, Filter>> = {
  ...LIST_FILTERS,
  upper: onText('upper', (text) => text.map((part) => part.toUpperCase())),
  lower: onText('lower', (text) => text.map((part) => part.toLowerCase())),
  // Jinja's own version: unlike in Python, an apostrophe does not start a word.
  title: onText('title', (text) => text.mapMatches(/[^-\s({[<]+/g, capitalized)),
  capitalize: onText('capitalize', (text) => text.remade(capitalized(text.value))),
  string: (value) => show(value),
  safe: (value) => show(value),
  escape: escapeHtml,
  e: escapeHtml,
  forceescape: escapeHtml,
  default: fallback,
  d: fallback,
  length,
  count: length,
  wordcount: (value) => Array.from(show(value).matches(/[\p{L}\p{N}_]+/gu)).length,
  trim(value, args) {
    const [set = null] = bind('trim', ['chars'], args);
    const text = show(value);
    return text.strip(set === null ? null : textOf('trim', set));
  },
  replace(value, args) {
    const [from, to, count] = bind('replace', ['old', 'new', 'count'], args, 2);
    const most = wholeNumber('replace', count, -1);
    const [old, replacement] = [show(from!), show(to!)];
    return replaceText(show(value), old, replacement, most < 0 ? Infinity : most);
  },
  indent(value, args) {
    const [width, first = false, blank = false] = bind('indent', ['width', 'first', 'blank'], args);
    const unit = indentation(width, 4);
    const lines = splitLines(joinTexts([show(value), new Text('\n')]), false);
    const indented = lines.map((line, i) => {
      const wanted = i === 0 ? isTruthy(first) : isTruthy(blank) || line.value !== '';
      return wanted ? joinTexts([new Text(unit), line]) : line;
    });
    return joinTexts(indented, new Text('\n'));
  },
  center(value, args) {
    return pad(show(value), wholeNumber('center', bind('center', ['width'], args)[0], 80), '^', ' ');
  },
  truncate(value, args) {
    const [most, cut = false, end, leeway] = bind('truncate', ['length', 'killwords', 'end', 'leeway'], args);
    const [size, slack] = [wholeNumber('truncate', most, 255), wholeNumber('truncate', leeway, 5)];
    const tail = new Text(end === undefined ? '...' : textOf('truncate', end));
    const text = show(value);
    if (text.length <= size + slack) return text;
    const kept = text.cutCodePoints(0, size - tail.length);
    const space = kept.value.lastIndexOf(' ');
    return joinTexts([isTruthy(cut) || space === -1 ? kept : kept.cut(0, space), tail]);
  },
  format: (value, { positional, keywords }) => {
    const named = new Dict(
      new Map(Array.from(keywords, ([name, entry]) => [`s${name}`, { key: new Text(name), value: entry }])),
    );
    return formatPercent(show(value), keywords.size > 0 ? [named] : positional);
  },
  tojson(value, args) {
    const names = ['ensure_ascii', 'indent', 'separators', 'sort_keys'];
    const [ascii = false, indent = null, separators = null, sorted = false] = bind('tojson', names, args);
    const pair = separators === null ? null : iterate(separators).map((part) => textOf('tojson', part));
    if (pair && pair.length !== 2) throw new TemplateFault('tojson needs two separators');
    const options = {
      indent: indent === null ? null : indentation(indent, 0),
      separators: [pair?.[0] ?? (indent === null ? ', ' : ','), pair?.[1] ?? ': '] as const,
      sortKeys: isTruthy(sorted),
      ensureAscii: isTruthy(ascii),
    };
    return toJson(value, options);
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
    // Python rounds halves to even.
    const down = Math.floor(scaled);
    const half = scaled - down === 0.5;
    return new Float((half ? down + (Math.abs(down) % 2) : Math.round(scaled)) / scale);
  },
  items(value) {
    if (value instanceof Undefined) return new List([]);
    if (!(value instanceof Dict)) throw new TemplateFault('Can only get item pairs from a mapping.');
    return new List(value.entries.map(({ key, value: entry }) => new List([key, entry], true)));
  },
  attr(value, args) {
    const name = textOf('attr', bind('attr', ['name'], args, 1)[0]);
    const method = methodOf(value, name);
    return method instanceof Func ? method : new Undefined(`'${typeName(value)} object' has no attribute '${name}'`);
  },
};
