import type { Budget } from './budget.ts';
import { TemplateFault } from './fault.ts';
import { formatPercent } from './format.ts';
import { joinTexts, type Text } from './text.ts';
import { asNumber, defined, Float, isText, List, typeName, type Value } from './values.ts';

/** `a operator b` of Python's arithmetic. */
export function binary(operator: string, a: Value, b: Value, budget: Budget): Value {
  const [left, right] = [defined(a), defined(b)];
  const [x, y] = [asNumber(left), asNumber(right)];
  if (x !== null && y !== null) return arithmetic(operator, left, right, x, y);
  if (operator === '+') {
    if (isText(left) && isText(right)) return concat([left, right], budget);
    if (left instanceof List && right instanceof List && left.isTuple === right.isTuple) {
      budget.step(left.items.length + right.items.length);
      return new List([...left.items, ...right.items], left.isTuple);
    }
  }
  if (operator === '*') {
    if (typeof right === 'number' && (isText(left) || left instanceof List)) return repeat(left, right, budget);
    if (typeof left === 'number' && (isText(right) || right instanceof List)) return repeat(right, left, budget);
  }
  if (operator === '%' && isText(left)) {
    return formatPercent(left, right instanceof List && right.isTuple ? right.items : [right], budget);
  }
  const [first, second] = [typeName(left), typeName(right)];
  throw new TemplateFault(`unsupported operand type(s) for ${operator}: '${first}' and '${second}'`);
}

function arithmetic(operator: string, left: Value, right: Value, x: number, y: number): Value {
  const isFloat = left instanceof Float || right instanceof Float;
  const wrap = (value: number) => (isFloat ? new Float(value) : whole(value));
  if (y === 0 && (operator === '/' || operator === '//' || operator === '%')) {
    throw new TemplateFault(operator === '/' ? 'division by zero' : 'integer division or modulo by zero');
  }
  switch (operator) {
    case '+':
      return wrap(x + y);
    case '-':
      return wrap(x - y);
    case '*':
      return wrap(x * y);
    case '/':
      return new Float(x / y);
    case '//':
      return wrap(Math.floor(x / y));
    case '%':
      return wrap(x - y * Math.floor(x / y));
    default:
      return !isFloat && y >= 0 ? whole(x ** y) : new Float(x ** y);
  }
}

/** Python's whole numbers have no end, these do. */
export function whole(value: number): number {
  // Without the sign of zero, which whole numbers do not have.
  if (Number.isSafeInteger(value)) return value + 0 || 0;
  throw new TemplateFault('a number is too large');
}

export function concat(parts: readonly Text[], budget: Budget): Text {
  budget.text(parts.reduce((sum, { value }) => sum + value.length, 0));
  budget.step(parts.reduce((sum, { marks }) => sum + marks.length, 0));
  return joinTexts(parts);
}

function repeat(value: Text | List, count: number, budget: Budget): Value {
  const times = Math.max(0, count);
  if (isText(value)) {
    budget.text(value.value.length * times);
    budget.step(times);
    return joinTexts(Array.from({ length: times }, () => value));
  }
  budget.step(value.items.length * times);
  return new List(Array.from({ length: times }, () => value.items).flat(), value.isTuple);
}
