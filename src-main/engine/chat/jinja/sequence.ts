import { TemplateFault } from './fault.ts';
import { joinTexts, Text } from './text.ts';
import { Dict, isText, List, type LoopState, Namespace, typeName, Undefined, type Value } from './values.ts';

/** The items of a loop over the value. @throws TemplateFault for values that are not iterable */
export function iterate(value: Value): readonly Value[] {
  if (value instanceof List) return value.items;
  if (value instanceof Dict) return value.keys();
  if (isText(value)) return value.characters();
  if (value instanceof Undefined) return [];
  throw new TemplateFault(`'${typeName(value)}' object is not iterable`);
}

/** @throws TemplateFault for values without a length */
export function lengthOf(value: Value): number {
  if (isText(value)) return value.length;
  if (value instanceof List || value instanceof Dict) return value.size;
  if (value instanceof Undefined) return 0;
  throw new TemplateFault(`object of type '${typeName(value)}' has no len()`);
}

/** `value[index]` of a list or text; undefined when out of range. */
export function itemAt(value: List | Text, index: number): Value | undefined {
  if (value instanceof List) return value.at(index);
  const at = index < 0 ? value.length + index : index;
  const character = at < 0 ? Text.empty : value.cutCodePoints(at, at + 1);
  return character.size === 0 ? undefined : character;
}

/** `value[start:stop:step]`, as in Python. */
export function slice(value: Value, [start, stop, step]: readonly (number | null)[]): Value {
  if (!(value instanceof List) && !isText(value))
    throw new TemplateFault(`'${typeName(value)}' object cannot be sliced`);
  const stride = step ?? 1;
  if (stride === 0) throw new TemplateFault('slice step cannot be zero');
  const length = lengthOf(value);
  const clamp = (position: number | null, fallback: number, low: number, high: number) => {
    if (position === null) return fallback;
    return Math.min(Math.max(position < 0 ? position + length : position, low), high);
  };
  const [from, to] =
    stride > 0
      ? [clamp(start, 0, 0, length), clamp(stop, length, 0, length)]
      : [clamp(start, length - 1, -1, length - 1), clamp(stop, -1, -1, length - 1)];
  if (stride === 1) return isText(value) ? value.cutCodePoints(from, to) : value.cut(from, to);
  const items = iterate(value);
  const taken: Value[] = [];
  for (let i = from; stride > 0 ? i < to : i > to; i += stride) taken.push(items[i]);
  return isText(value) ? joinTexts(taken as Text[]) : new List(taken, value.isTuple);
}

/** Attributes of the loop itself. */
export function loopAttribute(loop: LoopState, name: string): Value | undefined {
  const { index, items } = loop;
  switch (name) {
    case 'index':
      return index + 1;
    case 'index0':
      return index;
    case 'revindex':
      return items.length - index;
    case 'revindex0':
      return items.length - index - 1;
    case 'first':
      return index === 0;
    case 'last':
      return index === items.length - 1;
    case 'length':
      return items.length;
    case 'depth':
      return loop.depth + 1;
    case 'depth0':
      return loop.depth;
    case 'previtem':
      return index > 0 ? items[index - 1] : new Undefined('there is no previous item');
    case 'nextitem':
      return index + 1 < items.length ? items[index + 1] : new Undefined('there is no next item');
    default:
      return undefined;
  }
}

/** How Jinja names an object without such an attribute. */
export function objectName(value: Value): string {
  if (value === null) return 'None';
  return value instanceof Namespace ? 'jinja2.utils.Namespace object' : `${typeName(value)} object`;
}
