import { bind, textOf, wholeNumber } from './arguments.ts';
import { spendSteps } from './budget.ts';
import { compare, isEqual } from './compare.ts';
import { TemplateFault } from './fault.ts';
import { binary } from './operators.ts';
import { iterate } from './sequence.ts';
import { show } from './show.ts';
import { joinTexts, Text } from './text.ts';
import {
  Dict,
  isText,
  isTruthy,
  List,
  Undefined,
  type CallArguments,
  type Value,
  type Filter,
  type Runtime,
} from './values.ts';

/** Attribute `a.0.b` of a value. */
function attributeOf(value: Value, path: Value, runtime: Runtime): Value {
  if (!isText(path)) return runtime.item(value, path);
  return path.value.split('.').reduce<Value>((object, name) => {
    return /^\d+$/.test(name) ? runtime.item(object, Number(name)) : runtime.item(object, new Text(name));
  }, value);
}

/** The sort key of items: the attribute, case-insensitive on request. */
function keyFunction(attribute: Value | undefined, caseSensitive: boolean, runtime: Runtime) {
  return (item: Value): Value => {
    const key = attribute === undefined || attribute === null ? item : attributeOf(item, attribute, runtime);
    return !caseSensitive && isText(key) ? key.map((part) => part.toLowerCase()) : key;
  };
}

function sorted(items: readonly Value[], keyed: (item: Value) => Value, descending: boolean): Value[] {
  const pairs = items.map((item) => ({ item, key: keyed(item) }));
  const sign = descending ? -1 : 1;
  return pairs.sort((a, b) => sign * compare(a.key, b.key)).map(({ item }) => item);
}

const extreme = (name: string, sign: 1 | -1): Filter => {
  return (value, args, runtime) => {
    const [caseSensitive = false, attribute] = bind(name, ['case_sensitive', 'attribute'], args);
    const items = iterate(value);
    if (items.length === 0) return new Undefined('No aggregated item, sequence was empty.');
    const keyed = keyFunction(attribute, isTruthy(caseSensitive), runtime);
    return items.reduce((best, item) => {
      return sign * compare(keyed(item), keyed(best)) < 0 ? item : best;
    });
  };
};

/** `select` and similar filters: keep the items that pass a test, named in the first argument, or that are true. */
const selects = (wanted: boolean, byAttribute: boolean): Filter => {
  return (value, { positional, keywords }, runtime) => {
    const rest = byAttribute ? positional.slice(1) : positional;
    if (byAttribute && positional.length === 0) throw new TemplateFault('Missing parameter for attribute name');
    const [name, ...args] = rest;
    const passes = (item: Value): boolean => {
      const tested = byAttribute ? attributeOf(item, positional[0], runtime) : item;
      if (name === undefined) return isTruthy(tested);
      return runtime.test(textOf('select', name), tested, { positional: args, keywords });
    };
    return new List(iterate(value).filter((item) => passes(item) === wanted));
  };
};

function map(value: Value, { positional, keywords }: CallArguments, runtime: Runtime): Value {
  const items = iterate(value);
  const attribute = keywords.get('attribute');
  if (positional.length === 0 && attribute !== undefined) {
    const fallback = keywords.get('default');
    return new List(
      items.map((item) => {
        const found = attributeOf(item, attribute, runtime);
        return found instanceof Undefined && fallback !== undefined ? fallback : found;
      }),
    );
  }
  const [name, ...args] = positional;
  if (name === undefined) throw new TemplateFault('map requires a filter argument');
  return new List(items.map((item) => runtime.filter(textOf('map', name), item, { positional: args, keywords })));
}

/** Filters on lists. */
export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  map,
  select: selects(true, false),
  reject: selects(false, false),
  selectattr: selects(true, true),
  rejectattr: selects(false, true),
  max: extreme('max', -1),
  min: extreme('min', 1),
  list: (value, _args) => new List(iterate(value)),
  first: (value, _args) => {
    const [first = new Undefined('No first item, sequence was empty.')] = iterate(value);
    return first;
  },
  last: (value, _args) => {
    const last = iterate(value).at(-1);
    return last === undefined ? new Undefined('No last item, sequence was empty.') : last;
  },
  reverse: (value, _args) => {
    const items = Array.from(iterate(value)).reverse();
    return isText(value) ? joinTexts(items as Text[]) : new List(items);
  },
  join(value, args, runtime) {
    const [separator = Text.empty, attribute] = bind('join', ['d', 'attribute'], args);
    const glue = show(separator);
    const texts = iterate(value).map((item) => {
      return show(attribute === undefined || attribute === null ? item : attributeOf(item, attribute, runtime));
    });
    return joinTexts(texts, glue);
  },
  sum(value, args, runtime) {
    const [attribute, start = 0] = bind('sum', ['attribute', 'start'], args);
    return iterate(value).reduce<Value>((sum, item) => {
      const added = attribute === undefined || attribute === null ? item : attributeOf(item, attribute, runtime);
      return binary('+', sum, added);
    }, start);
  },
  sort(value, args, runtime) {
    const [reverse = false, caseSensitive = false, attribute] = bind(
      'sort',
      ['reverse', 'case_sensitive', 'attribute'],
      args,
    );
    const keyed = keyFunction(attribute, isTruthy(caseSensitive), runtime);
    return new List(sorted(iterate(value), keyed, isTruthy(reverse)));
  },
  dictsort(value, args, runtime) {
    const [caseSensitive = false, by = new Text('key'), reverse = false] = bind(
      'dictsort',
      ['case_sensitive', 'by', 'reverse'],
      args,
    );
    if (!(value instanceof Dict)) throw new TemplateFault('dictsort needs a mapping');
    const pairs = value.entries.map(({ key, value: entry }) => new List([key, entry], true));
    const index = textOf('dictsort', by) === 'value' ? 1 : 0;
    const keyed = keyFunction(index, isTruthy(caseSensitive), runtime);
    return new List(sorted(pairs, keyed, isTruthy(reverse)));
  },
  unique(value, args, runtime) {
    const [caseSensitive = false, attribute] = bind('unique', ['case_sensitive', 'attribute'], args);
    const keyed = keyFunction(attribute, isTruthy(caseSensitive), runtime);
    const seen: Value[] = [];
    return new List(
      iterate(value).filter((item) => {
        const key = keyed(item);
        if (seen.some((other) => isEqual(key, other))) return false;
        seen.push(key);
        return true;
      }),
    );
  },
  groupby(value, args, runtime) {
    const [attribute, fallback, caseSensitive = false] = bind(
      'groupby',
      ['attribute', 'default', 'case_sensitive'],
      args,
      1,
    );
    const plain = (item: Value): Value => {
      const found = attributeOf(item, attribute!, runtime);
      return found instanceof Undefined && fallback !== undefined ? fallback : found;
    };
    const keyed = (item: Value) => {
      const key = plain(item);
      return !isTruthy(caseSensitive) && isText(key) ? key.map((part) => part.toLowerCase()) : key;
    };
    const groups: { key: Value; shown: Value; items: Value[] }[] = [];
    for (const item of sorted(iterate(value), keyed, false)) {
      const key = keyed(item);
      const last = groups.at(-1);
      if (last && isEqual(last.key, key)) last.items.push(item);
      else groups.push({ key, shown: plain(item), items: [item] });
    }
    return new List(groups.map(({ shown, items }) => new List([shown, new List(items)], true)));
  },
  batch(value, args) {
    const [size, fill = null] = bind('batch', ['linecount', 'fill_with'], args, 1);
    const width = wholeNumber('batch', size, 1);
    if (width < 1) throw new TemplateFault('batch needs a size of at least 1');
    const items = iterate(value);
    const rows: List[] = [];
    for (let at = 0; at < items.length; at += width) {
      const row = items.slice(at, at + width);
      if (fill !== null) spendSteps(width);
      rows.push(new List(fill === null ? row : [...row, ...Array.from({ length: width - row.length }, () => fill)]));
    }
    return new List(rows);
  },
  slice(value, args) {
    const [count, fill = null] = bind('slice', ['slices', 'fill_with'], args, 1);
    const columns = wholeNumber('slice', count, 1);
    if (columns < 1) throw new TemplateFault('slice needs at least 1 column');
    spendSteps(columns);
    const items = iterate(value);
    const each = Math.floor(items.length / columns);
    const longer = items.length % columns;
    let at = 0;
    return new List(
      Array.from({ length: columns }, (_, i) => {
        const column = items.slice(at, (at += each + (i < longer ? 1 : 0)));
        return new List(fill !== null && i >= longer && longer > 0 ? [...column, fill] : column);
      }),
    );
  },
};
