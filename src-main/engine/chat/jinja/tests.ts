import { bind, wholeNumber } from './arguments.ts';
import { compare, contains, isEqual } from './compare.ts';
import { TemplateFault } from './fault.ts';
import { asNumber, Dict, Float, Func, isText, List, Undefined, type Value, type Test } from './values.ts';

const only =
  (test: (value: Value) => boolean): Test =>
  (value) =>
    test(value);

const relation = (name: string, operator: string, holds: (order: number) => boolean): Test => {
  return (value, args) => holds(compare(value, bind(name, ['other'], args, 1)[0]!, operator));
};

const equal: Test = (value, args) => isEqual(value, bind('equalto', ['other'], args, 1)[0]!);
const lessThan = relation('lt', '<', (order) => order < 0);
const atMost = relation('le', '<=', (order) => order <= 0);
const greaterThan = relation('gt', '>', (order) => order > 0);
const atLeast = relation('ge', '>=', (order) => order >= 0);

function remainder(value: Value, divisor: number): number {
  const number = asNumber(value);
  if (number === null || divisor === 0) throw new TemplateFault('only numbers can be divided');
  return number - divisor * Math.floor(number / divisor);
}

/** Jinja's tests by name. */
export const TESTS: Readonly<Record<string, Test>> = {
  defined: only((value) => !(value instanceof Undefined)),
  undefined: only((value) => value instanceof Undefined),
  none: only((value) => value === null),
  boolean: only((value) => typeof value === 'boolean'),
  true: only((value) => value === true),
  false: only((value) => value === false),
  integer: only((value) => typeof value === 'number'),
  float: only((value) => value instanceof Float),
  number: only((value) => asNumber(value) !== null),
  string: only(isText),
  mapping: only((value) => value instanceof Dict),
  sequence: only(
    (value) => isText(value) || value instanceof List || value instanceof Dict || value instanceof Undefined,
  ),
  iterable: only(
    (value) => isText(value) || value instanceof List || value instanceof Dict || value instanceof Undefined,
  ),
  callable: only((value) => value instanceof Func),
  escaped: only(() => false),
  lower: only(
    (value) =>
      isText(value) &&
      value.value !== '' &&
      value.value === value.value.toLowerCase() &&
      value.value !== value.value.toUpperCase(),
  ),
  upper: only(
    (value) =>
      isText(value) &&
      value.value !== '' &&
      value.value === value.value.toUpperCase() &&
      value.value !== value.value.toLowerCase(),
  ),
  odd: only((value) => remainder(value, 2) === 1),
  even: only((value) => remainder(value, 2) === 0),
  divisibleby: (value, args) =>
    remainder(value, wholeNumber('divisibleby', bind('divisibleby', ['num'], args, 1)[0], 0)) === 0,
  sameas: (value, args) => {
    const [other] = bind('sameas', ['other'], args, 1);
    const scalar = value === null || typeof value === 'boolean' || typeof value === 'number' || isText(value);
    return value === other || (scalar && typeof value === typeof other && isEqual(value, other!));
  },
  in: (value, args) => contains(bind('in', ['seq'], args, 1)[0]!, value),
  eq: equal,
  equalto: equal,
  '==': equal,
  ne: (value, args, runtime) => !equal(value, args, runtime),
  '!=': (value, args, runtime) => !equal(value, args, runtime),
  lt: lessThan,
  lessthan: lessThan,
  '<': lessThan,
  le: atMost,
  '<=': atMost,
  gt: greaterThan,
  greaterthan: greaterThan,
  '>': greaterThan,
  ge: atLeast,
  '>=': atLeast,
};
