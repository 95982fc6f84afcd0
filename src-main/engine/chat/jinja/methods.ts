import { bind, textArgument, textOf, wholeNumber } from './arguments.ts';
import { isEqual } from './compare.ts';
import { spendSteps } from './budget.ts';
import { TemplateFault } from './fault.ts';
import { formatBraces, pad, splitLines } from './format.ts';
import { iterate } from './sequence.ts';
import { joinTexts, type Text } from './text.ts';
import { Dict, Func, isText, List, typeName, type CallArguments, type Value } from './values.ts';

/** Mutating methods, which the sandbox of chat templates forbids. */
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

type Method<T> = (value: T, args: CallArguments) => Value;

/** The method `name` of a value; undefined when it has none. */
export function methodOf(value: Value, name: string): Value | undefined {
  const found = (method: (args: CallArguments) => Value) => new Func(name, method);
  if (isText(value)) {
    const method = Object.hasOwn(TEXT_METHODS, name) ? TEXT_METHODS[name] : undefined;
    return method && found((args) => method(value, args));
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
    return method && found((args) => method(value, args));
  }
  if (value instanceof List) {
    const method = Object.hasOwn(LIST_METHODS, name) ? LIST_METHODS[name] : undefined;
    return method && found((args) => method(value, args));
  }
  return undefined;
}

export const LIST_METHODS: Readonly<Record<string, Method<List>>> = {
  count(list, args) {
    const [wanted] = bind('count', ['value'], args, 1);
    return list.items.filter((item) => isEqual(item, wanted!)).length;
  },
  index(list, args) {
    const [wanted] = bind('index', ['value'], args, 1);
    const index = list.items.findIndex((item) => isEqual(item, wanted!));
    if (index === -1) throw new TemplateFault('the value is not in the list');
    return index;
  },
};

export const DICT_METHODS: Readonly<Record<string, Method<Dict>>> = {
  get(dict, args) {
    const [key, fallback = null] = bind('get', ['key', 'default'], args, 1);
    const value = dict.get(key!);
    return value === undefined ? fallback : value;
  },
  items: (dict) => new List(dict.entries.map(({ key, value }) => new List([key, value], true))),
  keys: (dict) => new List(dict.keys()),
  values: (dict) => new List(dict.entries.map(({ value }) => value)),
  copy: (dict) => dict.copy(),
};

/** Changes of letters that preserve origins. */
const changes = (change: (text: Text) => Text): Method<Text> => {
  return (text, args) => {
    bind('method', [], args);
    return change(text);
  };
};

const strips = (name: string, side: 'both' | 'left' | 'right'): Method<Text> => {
  return (text, args) => {
    const [set = null] = bind(name, ['chars'], args);
    return text.strip(set === null ? null : textOf(name, set), side);
  };
};

const matches = (test: (text: Text, part: Text) => boolean): Method<Text> => {
  return (text, args) => {
    const [part] = bind('startswith', ['prefix'], args, 1);
    const tries = (item: Value | undefined) => {
      spendSteps();
      return test(text, textArgument('startswith', item));
    };
    return part instanceof List ? part.items.some(tries) : tries(part);
  };
};

/** Whether a text is not empty and all its characters are of one kind. */
const is = (pattern: RegExp): Method<Text> => {
  return ({ value }) => pattern.test(value);
};

const finds = (name: string, last: boolean, must: boolean): Method<Text> => {
  return (text, args) => {
    const [part] = bind(name, ['sub'], args, 1);
    const at = text.indexOf(textArgument(name, part), last);
    if (at === -1 && must) throw new TemplateFault('substring not found');
    return at === -1 ? -1 : text.cut(0, at).length;
  };
};

const pads = (name: string, side: '<' | '>' | '^'): Method<Text> => {
  return (text, args) => {
    const [width, fill] = bind(name, ['width', 'fillchar'], args, 1);
    return pad(text, wholeNumber(name, width, 0), side, fill === undefined ? ' ' : textOf(name, fill));
  };
};

const splits = (name: string, fromRight: boolean): Method<Text> => {
  return (text, args) => {
    const [separator = null, limit] = bind(name, ['sep', 'maxsplit'], args);
    const most = wholeNumber(name, limit, -1);
    const glue = separator === null ? null : nonEmpty(textArgument(name, separator));
    const parts = glue === null ? words(text) : text.split(glue);
    if (most < 0 || parts.length - 1 <= most) return new List(parts);
    if (glue === null) return new List(limitedWords(text, most, fromRight));
    const cut = parts.length - most;
    return new List(
      fromRight
        ? [joinTexts(parts.slice(0, cut), glue), ...parts.slice(cut)]
        : [...parts.slice(0, most), joinTexts(parts.slice(most), glue)],
    );
  };
};

function nonEmpty(separator: Text): Text {
  if (separator.size === 0) throw new TemplateFault('empty separator');
  return separator;
}

function words(text: Text): Text[] {
  return Array.from(text.matches(/\S+/g), (match) => text.cut(match.index, match.index + match[0].length));
}

/** Splits off at most so many words; the rest of the text stays as it is. */
function limitedWords(text: Text, most: number, fromRight: boolean): Text[] {
  const found = Array.from(text.matches(/\S+/g), ({ 0: word, index }) => [index, index + word.length] as const);
  const cut = fromRight ? found.length - most : most;
  const single = (ranges: typeof found) => ranges.map(([from, to]) => text.cut(from, to));
  if (!fromRight) return [...single(found.slice(0, cut)), text.cut(found[cut][0]).strip(null, 'left')];
  return [text.cut(0, found[cut - 1][1]), ...single(found.slice(cut))];
}

function swapCase(letter: string): string {
  return letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase();
}

export function capitalized(value: string): string {
  const [first = ''] = value;
  return first.toUpperCase() + value.slice(first.length).toLowerCase();
}

export function replaceText(text: Text, from: Text, to: Text, most: number): Text {
  if (from.size === 0) {
    const characters = text.characters();
    const count = Math.min(most, characters.length + 1);
    return joinTexts(
      characters
        .flatMap((character, i) => (i < count ? [to, character] : [character]))
        .concat(count > characters.length ? [to] : []),
    );
  }
  return joinTexts(text.split(from, most), to);
}

export const TEXT_METHODS: Readonly<Record<string, Method<Text>>> = {
  upper: changes((text) => text.map((part) => part.toUpperCase())),
  lower: changes((text) => text.map((part) => part.toLowerCase())),
  title: changes((text) => text.map((part) => part.toLowerCase()).mapMatches(/\p{L}+/gu, capitalized)),
  capitalize: (text) => text.remade(capitalized(text.value)),
  swapcase: changes((text) => text.mapMatches(/\p{L}/gu, swapCase)),
  strip: strips('strip', 'both'),
  lstrip: strips('lstrip', 'left'),
  rstrip: strips('rstrip', 'right'),
  startswith: matches((text, part) => text.startsWith(part)),
  endswith: matches((text, part) => text.endsWith(part)),
  split: splits('split', false),
  rsplit: splits('rsplit', true),
  splitlines(text, args) {
    return new List(splitLines(text, bind('splitlines', ['keepends'], args)[0] === true));
  },
  find: finds('find', false, false),
  rfind: finds('rfind', true, false),
  index: finds('index', false, true),
  rindex: finds('rindex', true, true),
  count(text, args) {
    return text.positions(nonEmpty(textArgument('count', bind('count', ['sub'], args, 1)[0]))).length;
  },
  replace(text, args) {
    const [from, to, count] = bind('replace', ['old', 'new', 'count'], args, 2);
    const [old, replacement] = [textArgument('replace', from), textArgument('replace', to)];
    const most = wholeNumber('replace', count, -1);
    return replaceText(text, old, replacement, most < 0 ? Infinity : most);
  },
  join(text, args) {
    const [items] = bind('join', ['iterable'], args, 1);
    const parts = iterate(items!).map((item) => {
      if (isText(item)) return item;
      throw new TemplateFault(`join() needs strings, found '${typeName(item)}'`);
    });
    return joinTexts(parts, text);
  },
  removeprefix(text, args) {
    const prefix = textArgument('removeprefix', bind('removeprefix', ['prefix'], args, 1)[0]);
    return text.startsWith(prefix) ? text.cut(prefix.size) : text;
  },
  removesuffix(text, args) {
    const suffix = textArgument('removesuffix', bind('removesuffix', ['suffix'], args, 1)[0]);
    return text.endsWith(suffix) ? text.cut(0, text.size - suffix.size) : text;
  },
  partition(text, args) {
    const separator = nonEmpty(textArgument('partition', bind('partition', ['sep'], args, 1)[0]));
    const at = text.indexOf(separator);
    const parts = at === -1 ? [text.size, text.size] : [at, at + separator.size];
    return new List([text.cut(0, parts[0]), text.cut(parts[0], parts[1]), text.cut(parts[1])], true);
  },
  format: (text, args) => formatBraces(text, args),
  zfill: (text, args) => pad(text, wholeNumber('zfill', bind('zfill', ['width'], args, 1)[0], 0), '>', '0'),
  ljust: pads('ljust', '<'),
  rjust: pads('rjust', '>'),
  center: pads('center', '^'),
  isdigit: is(/^\p{Nd}+$/u),
  isnumeric: is(/^\p{N}+$/u),
  isdecimal: is(/^\p{Nd}+$/u),
  isalpha: is(/^\p{L}+$/u),
  isalnum: is(/^[\p{L}\p{N}]+$/u),
  isspace: is(/^\s+$/),
  isupper: ({ value }) => /\p{Lu}/u.test(value) && !/\p{Ll}/u.test(value),
  islower: ({ value }) => /\p{Ll}/u.test(value) && !/\p{Lu}/u.test(value),
};
