import { bind, textOf, wholeNumber } from './arguments.ts';
import type { Budget } from './budget.ts';
import { isEqual } from './compare.ts';
import { TemplateFault } from './fault.ts';
import { formatBraces, pad, splitLines } from './format.ts';
import { concat } from './operators.ts';
import { iterate } from './sequence.ts';
import { joinTexts, Text } from './text.ts';
import { Dict, Func, isText, List, typeName, type CallArguments, type Value } from './values.ts';

/** Methods that would change a value: the sandbox of chat templates has none. */
const CHANGING = [
  'append',
  'extend',
  'insert',
  'pop',
  'remove',
  'clear',
  'update',
  'setdefault',
  'popitem',
  'sort',
  'reverse',
];

type Method<T> = (value: T, args: CallArguments, budget: Budget) => Value;

/** The method `name` of a value; undefined when it has none. */
export function methodOf(value: Value, name: string, budget: Budget): Value | undefined {
  const found = (method: (args: CallArguments) => Value) => new Func(name, method);
  if (isText(value)) {
    const method = Object.hasOwn(TEXT_METHODS, name) ? TEXT_METHODS[name] : undefined;
    return method && found((args) => method(value, args, budget));
  }
  if (value instanceof Dict || (value instanceof List && !value.isTuple)) {
    if (CHANGING.includes(name)) {
      return found(() => {
        throw new TemplateFault(`access to attribute '${name}' of '${typeName(value)}' object is unsafe.`);
      });
    }
  }
  if (value instanceof Dict) {
    const method = Object.hasOwn(DICT_METHODS, name) ? DICT_METHODS[name] : undefined;
    return method && found((args) => method(value, args, budget));
  }
  if (value instanceof List && (name === 'count' || name === 'index')) {
    return found((args) => {
      const [wanted] = bind(name, ['value'], args, 1);
      if (name === 'count') return value.items.filter((item) => isEqual(item, wanted!, budget)).length;
      const index = value.items.findIndex((item) => isEqual(item, wanted!, budget));
      if (index === -1) throw new TemplateFault('the value is not in the list');
      return index;
    });
  }
  return undefined;
}

const DICT_METHODS: Readonly<Record<string, Method<Dict>>> = {
  get(dict, args, budget) {
    const [key, fallback = null] = bind('get', ['key', 'default'], args, 1);
    if (isText(key!)) budget.text(key.value.length);
    const value = dict.get(key!);
    return value === undefined ? fallback : value;
  },
  items: (dict) => new List(Array.from(dict.entries.values(), ({ key, value }) => new List([key, value], true))),
  keys: (dict) => new List(dict.keys()),
  values: (dict) => new List(Array.from(dict.entries.values(), ({ value }) => value)),
  copy: (dict) => new Dict(dict.entries),
};

/** Changes of letters, which keep what comes from where. */
const changes = (change: (value: string) => string): Method<Text> => {
  return (text, args, budget) => {
    bind('method', [], args);
    budget.text(text.value.length);
    return text.map(change);
  };
};

const strips = (name: string, side: 'both' | 'left' | 'right'): Method<Text> => {
  return (text, args, budget) => {
    const [set = null] = bind(name, ['chars'], args);
    budget.text(text.value.length);
    return text.strip(set === null ? null : textOf(name, set), side);
  };
};

const matches = (test: (text: string, part: string) => boolean): Method<Text> => {
  return (text, args, budget) => {
    const [part] = bind('startswith', ['prefix'], args, 1);
    const tries = (item: Value | undefined) => {
      budget.step();
      const wanted = textOf('startswith', item);
      budget.text(wanted.length);
      return test(text.value, wanted);
    };
    return part instanceof List ? part.items.some(tries) : tries(part);
  };
};

/** Whether a text is not empty and all of it is of one kind. */
const is = (pattern: RegExp): Method<Text> => {
  return (text, _args, budget) => {
    budget.text(text.value.length);
    return pattern.test(text.value);
  };
};

const finds = (name: string, last: boolean, must: boolean): Method<Text> => {
  return (text, args, budget) => {
    const [part] = bind(name, ['sub'], args, 1);
    const searched = textOf(name, part);
    budget.search(text.value.length, searched.length);
    const at = last ? text.value.lastIndexOf(searched) : text.value.indexOf(searched);
    if (at === -1 && must) throw new TemplateFault('substring not found');
    return at === -1 ? -1 : text.cut(0, at).length;
  };
};

const pads = (name: string, side: '<' | '>' | '^'): Method<Text> => {
  return (text, args, budget) => {
    const [width, fill] = bind(name, ['width', 'fillchar'], args, 1);
    return pad(text, wholeNumber(name, width, 0), side, fill === undefined ? ' ' : textOf(name, fill), budget);
  };
};

const splits = (name: string, fromRight: boolean): Method<Text> => {
  return (text, args, budget) => {
    const [separator = null, limit] = bind(name, ['sep', 'maxsplit'], args);
    const most = wholeNumber(name, limit, -1);
    budget.search(text.value.length, separator === null ? 1 : textOf(name, separator).length);
    const parts = separator === null ? words(text) : text.split(nonEmpty(textOf(name, separator)));
    budget.step(parts.length);
    if (most < 0 || parts.length - 1 <= most) return new List(parts);
    if (separator === null) return new List(limitedWords(text, most, fromRight));
    const glue = new Text(textOf(name, separator));
    const cut = parts.length - most;
    return new List(
      fromRight
        ? [joinTexts(parts.slice(0, cut), glue), ...parts.slice(cut)]
        : [...parts.slice(0, most), joinTexts(parts.slice(most), glue)],
    );
  };
};

function nonEmpty(separator: string): string {
  if (separator === '') throw new TemplateFault('empty separator');
  return separator;
}

function words(text: Text): Text[] {
  return Array.from(text.value.matchAll(/\S+/g), (match) => text.cut(match.index, match.index + match[0].length));
}

/** As many words as wanted, and the rest of the text as it stands. */
function limitedWords(text: Text, most: number, fromRight: boolean): Text[] {
  const found = Array.from(text.value.matchAll(/\S+/g), ({ 0: word, index }) => [index, index + word.length] as const);
  const cut = fromRight ? found.length - most : most;
  const single = (ranges: typeof found) => ranges.map(([from, to]) => text.cut(from, to));
  if (!fromRight) return [...single(found.slice(0, cut)), text.cut(found[cut][0]).strip(null, 'left')];
  return [text.cut(0, found[cut - 1][1]), ...single(found.slice(cut))];
}

function titleCase(value: string): string {
  return value.toLowerCase().replaceAll(/\p{L}+/gu, (word) => capitalized(word));
}

export function capitalized(value: string): string {
  const [first = ''] = value;
  return first.toUpperCase() + value.slice(first.length).toLowerCase();
}

export function replaceText(text: Text, from: Text, to: Text, most: number, budget: Budget): Text {
  budget.search(text.value.length, from.value.length);
  if (from.value === '') {
    const characters = text.characters();
    budget.step(characters.length);
    const count = Math.min(most, characters.length + 1);
    return concat(
      characters
        .flatMap((character, i) => (i < count ? [to, character] : [character]))
        .concat(count > characters.length ? [to] : []),
      budget,
    );
  }
  const parts = text.split(from.value, most);
  budget.step(parts.length);
  budget.text(text.value.length + (parts.length - 1) * to.value.length);
  return joinTexts(parts, to);
}

const TEXT_METHODS: Readonly<Record<string, Method<Text>>> = {
  upper: changes((value) => value.toUpperCase()),
  lower: changes((value) => value.toLowerCase()),
  title: changes(titleCase),
  capitalize(text, _args, budget) {
    budget.text(text.value.length);
    return text.remade(capitalized(text.value));
  },
  swapcase: changes((value) =>
    value.replaceAll(/\p{L}/gu, (letter) =>
      letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
    ),
  ),
  strip: strips('strip', 'both'),
  lstrip: strips('lstrip', 'left'),
  rstrip: strips('rstrip', 'right'),
  startswith: matches((text, part) => text.startsWith(part)),
  endswith: matches((text, part) => text.endsWith(part)),
  split: splits('split', false),
  rsplit: splits('rsplit', true),
  splitlines(text, args, budget) {
    budget.text(text.value.length);
    return new List(splitLines(text, bind('splitlines', ['keepends'], args)[0] === true));
  },
  find: finds('find', false, false),
  rfind: finds('rfind', true, false),
  index: finds('index', false, true),
  rindex: finds('rindex', true, true),
  count(text, args, budget) {
    const part = nonEmpty(textOf('count', bind('count', ['sub'], args, 1)[0]));
    budget.search(text.value.length, part.length);
    return text.positions(part).length;
  },
  replace(text, args, budget) {
    const [from, to, count] = bind('replace', ['old', 'new', 'count'], args, 2);
    textOf('replace', from);
    textOf('replace', to);
    const most = wholeNumber('replace', count, -1);
    return replaceText(text, from as Text, to as Text, most < 0 ? Infinity : most, budget);
  },
  join(text, args, budget) {
    const [items] = bind('join', ['iterable'], args, 1);
    const parts = iterate(items!, budget).map((item) => {
      if (isText(item)) return item;
      throw new TemplateFault(`join() needs texts, found '${typeName(item)}'`);
    });
    budget.text(parts.reduce((sum, { value }) => sum + value.length + text.value.length, 0));
    return joinTexts(parts, text);
  },
  removeprefix(text, args) {
    const prefix = textOf('removeprefix', bind('removeprefix', ['prefix'], args, 1)[0]);
    return text.value.startsWith(prefix) ? text.cut(prefix.length) : text;
  },
  removesuffix(text, args) {
    const suffix = textOf('removesuffix', bind('removesuffix', ['suffix'], args, 1)[0]);
    return text.value.endsWith(suffix) ? text.cut(0, text.value.length - suffix.length) : text;
  },
  partition(text, args, budget) {
    const separator = nonEmpty(textOf('partition', bind('partition', ['sep'], args, 1)[0]));
    budget.search(text.value.length, separator.length);
    const at = text.value.indexOf(separator);
    const parts = at === -1 ? [text.value.length, text.value.length] : [at, at + separator.length];
    return new List([text.cut(0, parts[0]), text.cut(parts[0], parts[1]), text.cut(parts[1])], true);
  },
  format: (text, args, budget) => formatBraces(text, args, budget),
  zfill: (text, args, budget) =>
    pad(text, wholeNumber('zfill', bind('zfill', ['width'], args, 1)[0], 0), '>', '0', budget),
  ljust: pads('ljust', '<'),
  rjust: pads('rjust', '>'),
  center: pads('center', '^'),
  isdigit: is(/^\p{Nd}+$/u),
  isnumeric: is(/^\p{N}+$/u),
  isdecimal: is(/^\p{Nd}+$/u),
  isalpha: is(/^\p{L}+$/u),
  isalnum: is(/^[\p{L}\p{N}]+$/u),
  isspace: is(/^\s+$/),
  isupper: (text) => /\p{Lu}/u.test(text.value) && !/\p{Ll}/u.test(text.value),
  islower: (text) => /\p{Ll}/u.test(text.value) && !/\p{Lu}/u.test(text.value),
};
