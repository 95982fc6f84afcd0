import type { Budget } from './budget.ts';
import { TemplateFault } from './fault.ts';
import { asNumber, defined, Dict, isText, keyOf, List, typeName, Undefined, type Value } from './values.ts';

export function isEqual(a: Value, b: Value, budget: Budget): boolean {
  budget.step();
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== null || y !== null) return x === y;
  if (isText(a)) {
    if (!isText(b) || a.value.length !== b.value.length) return false;
    budget.text(a.value.length);
    return a.value === b.value;
  }
  if (a instanceof List) {
    if (!(b instanceof List) || a.isTuple !== b.isTuple || a.items.length !== b.items.length) return false;
    return deeper(budget, () => a.items.every((item, i) => isEqual(item, b.items[i], budget)));
  }
  if (a instanceof Dict) {
    if (!(b instanceof Dict) || a.entries.size !== b.entries.size) return false;
    return deeper(budget, () =>
      Array.from(a.entries).every(([key, { value }]) => {
        const other = b.entries.get(key);
        return other !== undefined && isEqual(value, other.value, budget);
      }),
    );
  }
  return a === b || (a instanceof Undefined && b instanceof Undefined);
}

/** Negative, 0 or positive. @throws TemplateFault for values that have no order */
export function compare(a: Value, b: Value, budget: Budget, operator = '<'): number {
  budget.step();
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== null && y !== null) return x < y ? -1 : x > y ? 1 : x === y ? 0 : NaN;
  if (isText(a) && isText(b)) {
    budget.text(Math.min(a.value.length, b.value.length));
    return compareCodePoints(a.value, b.value);
  }
  if (a instanceof List && b instanceof List && a.isTuple === b.isTuple) {
    return deeper(budget, () => {
      for (let i = 0; i < Math.min(a.items.length, b.items.length); i++) {
        if (isEqual(a.items[i], b.items[i], budget)) continue;
        return compare(a.items[i], b.items[i], budget, operator);
      }
      return a.items.length - b.items.length;
    });
  }
  const [left, right] = [typeName(defined(a)), typeName(defined(b))];
  throw new TemplateFault(`'${operator}' not supported between instances of '${left}' and '${right}'`);
}

/** Python compares code points, JavaScript UTF-16 units; they differ above U+FFFF only. */
function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const [x, y] = [a.codePointAt(at) ?? -1, b.codePointAt(at) ?? -1];
  return x - y;
}

export function contains(container: Value, item: Value, budget: Budget): boolean {
  if (isText(container)) {
    if (isText(item)) {
      budget.search(container.value.length, item.value.length);
      return container.value.includes(item.value);
    }
    throw new TemplateFault(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (container instanceof List) return container.items.some((other) => isEqual(item, other, budget));
  if (container instanceof Dict) {
    if (isText(item)) budget.text(item.value.length);
    return container.entries.has(keyOf(item));
  }
  if (container instanceof Undefined) return false;
  throw new TemplateFault(`argument of type '${typeName(container)}' is not iterable`);
}

/** Walks into a value, no deeper than the limit. */
export function deeper<T>(budget: Budget, walk: () => T): T {
  budget.enter();
  const result = walk();
  budget.leave();
  return result;
}
