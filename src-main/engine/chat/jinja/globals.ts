import { bind, textOf, wholeNumber } from './arguments.ts';
import { TemplateFault } from './fault.ts';
import { iterate } from './sequence.ts';
import { show } from './show.ts';
import { strftime } from './strftime.ts';
import { Text } from './text.ts';
import { Dict, dictOf, Func, isText, List, Namespace, type CallArguments, type Value } from './values.ts';

/** Maximum range in Jinja's sandbox. */
const MAX_RANGE = 100_000;

/** Functions that every template can call. `now` is for `strftime_now`. */
export function globals(now: Date): Map<string, Value> {
  const functions: Record<string, (args: CallArguments) => Value> = {
    range,
    dict,
    namespace,
    raise_exception(args) {
      const [message] = bind('raise_exception', ['message'], args, 1);
      throw new TemplateFault(show(message!).value);
    },
    strftime_now: (args) =>
      new Text(strftime(now, textOf('strftime_now', bind('strftime_now', ['format'], args, 1)[0]))),
    cycler: ({ positional }) => cycler(positional),
    joiner: (args) => joiner(bind('joiner', ['sep'], args)[0] ?? new Text(', ')),
  };
  return new Map(Object.entries(functions).map(([name, call]) => [name, new Func(name, call)]));
}

function range(args: CallArguments): Value {
  const [first, second, third] = bind('range', ['start', 'stop', 'step'], args, 1);
  const [start, stop] =
    second === undefined
      ? [0, wholeNumber('range', first, 0)]
      : [wholeNumber('range', first, 0), wholeNumber('range', second, 0)];
  const step = wholeNumber('range', third, 1);
  if (step === 0) throw new TemplateFault('range() arg 3 must not be zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > MAX_RANGE) {
    throw new TemplateFault(`Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`);
  }
  return new List(Array.from({ length }, (_, i) => start + i * step));
}

function entriesOf({ positional, keywords }: CallArguments): [Value, Value][] {
  const entries: [Value, Value][] = [];
  const [from] = positional;
  if (from instanceof Dict) {
    for (const { key, value } of from.entries) entries.push([key, value]);
  } else if (from !== undefined) {
    for (const pair of iterate(from)) {
      const [key, value, ...more] = iterate(pair);
      if (value === undefined || more.length > 0) throw new TemplateFault('a dict needs key-value pairs');
      entries.push([key, value]);
    }
  }
  for (const [name, value] of keywords) entries.push([new Text(name), value]);
  return entries;
}

function dict(args: CallArguments): Value {
  return dictOf(entriesOf(args));
}

function namespace(args: CallArguments): Value {
  const made = new Namespace();
  for (const [key, value] of entriesOf(args)) if (isText(key)) made.attributes.set(key.value, value);
  return made;
}

function cycler(items: readonly Value[]): Value {
  if (items.length === 0) throw new TemplateFault('at least one item has to be provided');
  const made = new Namespace();
  let position = 0;
  const show = () => made.attributes.set('current', items[position]);
  show();
  made.attributes.set(
    'next',
    new Func('next', () => {
      const current = items[position];
      position = (position + 1) % items.length;
      show();
      return current;
    }),
  );
  made.attributes.set(
    'reset',
    new Func('reset', () => {
      position = 0;
      show();
      return null;
    }),
  );
  return made;
}

function joiner(separator: Value): Value {
  let used = false;
  return new Func('joiner', () => {
    if (used) return separator;
    used = true;
    return Text.empty;
  });
}
