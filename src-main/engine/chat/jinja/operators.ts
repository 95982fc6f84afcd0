import { spendSteps } from './budget.ts';
import { TemplateFault } from './fault.ts';
import { formatPercent } from './format.ts';
import { joinTexts, repeatText, type Text } from './text.ts';
import { asNumber, defined, Float, isText, List, typeName, type Value } from './values.ts';

/** Python's arithmetic `a operator b`. */
export function binary(operator: string, a: Value, b: Value): Value {
  const [left, right] = [defined(a), defined(b)];
  const [x, y] = [asNumber(left), asNumber(right)];
  if (x !== null && y !== null) return arithmetic(operator, left, right, x, y);
  if (operator === '+') {
    if (isText(left) && isText(right)) return joinTexts([left, right]);
    if (left instanceof List && right instanceof List && left.isTuple === right.isTuple) {
      return new List([...left.items, ...right.items], left.isTuple);
    }
  }
  if (operator === '*') {
    if (typeof right === 'number' && (isText(left) || left instanceof List)) return repeat(left, right);
    if (typeof left === 'number' && (isText(right) || right instanceof List)) return repeat(right, left);
  }
  if (operator === '%' && isText(left)) {
    return formatPercent(left, right instanceof List && right.isTuple ? right.items : [right]);
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

/** Python's integers are unlimited, these are not. */
export function whole(value: number): number {
  // Without negative zero, which integers do not have.
  if (Number.isSafeInteger(value)) return value + 0 || 0;
  throw new TemplateFault('a number is too large');
}

function repeat(value: Text | List, count: number): Value {
  if (isText(value)) return repeatText(value, count);
  const times = Math.max(0, count);
  spendSteps((1 + value.size) * times);
  const { items } = value;
  return new List(Array.from({ length: times }, () => items).flat(), value.isTuple);
}
