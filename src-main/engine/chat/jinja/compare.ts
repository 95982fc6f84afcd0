import { deeper, spendSteps } from './budget.ts';
import { TemplateFault } from './fault.ts';
import { asNumber, defined, Dict, isText, List, typeName, Undefined, type Value } from './values.ts';

export function isEqual(a: Value, b: Value): boolean {
  spendSteps();
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== null || y !== null) return x === y;
  if (isText(a)) return isText(b) && a.equals(b);
  if (a instanceof List) {
    if (!(b instanceof List) || a.isTuple !== b.isTuple || a.size !== b.size) return false;
    return deeper(() => a.items.every((item, i) => isEqual(item, b.at(i)!)));
  }
  if (a instanceof Dict) {
    if (!(b instanceof Dict) || a.size !== b.size) return false;
    return deeper(() =>
      a.entries.every(({ key, value }) => {
        const other = b.get(key);
        return other !== undefined && isEqual(value, other);
      }),
    );
  }
  return a === b || (a instanceof Undefined && b instanceof Undefined);
}

/** Negative, 0 or positive. @throws TemplateFault for values without an order */
export function compare(a: Value, b: Value, operator = '<'): number {
  spendSteps();
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== null && y !== null) return x < y ? -1 : x > y ? 1 : x === y ? 0 : NaN;
  if (isText(a) && isText(b)) return a.compareTo(b);
  if (a instanceof List && b instanceof List && a.isTuple === b.isTuple) {
    return deeper(() => {
      for (let i = 0; i < Math.min(a.size, b.size); i++) {
        const [ofA, ofB] = [a.at(i)!, b.at(i)!];
        if (!isEqual(ofA, ofB)) return compare(ofA, ofB, operator);
      }
      return a.size - b.size;
    });
  }
  const [left, right] = [typeName(defined(a)), typeName(defined(b))];
  throw new TemplateFault(`'${operator}' not supported between instances of '${left}' and '${right}'`);
}

export function contains(container: Value, item: Value): boolean {
  if (isText(container)) {
    if (isText(item)) return container.indexOf(item) !== -1;
    throw new TemplateFault(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (container instanceof List) return container.items.some((other) => isEqual(item, other));
  if (container instanceof Dict) return container.has(item);
  if (container instanceof Undefined) return false;
  throw new TemplateFault(`argument of type '${typeName(container)}' is not iterable`);
}
