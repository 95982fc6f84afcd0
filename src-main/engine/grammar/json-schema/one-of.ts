import type { JsonNode } from './json-source.ts';
import { canonical, mergeRange, type JsonType, type Schemas, type Shape } from './shape.ts';

/** Types that a shape without types may have. */
const ALL_TYPES: readonly JsonType[] = ['object', 'array', 'string', 'number', 'boolean', 'null'];

/** Whether any value is valid for all of the schemas. */
type IsPossible = (schemas: Schemas) => boolean;

/** Types that are generated for a shape: its own, or those implied by its keywords. */
export function writtenTypes({ types, implied }: Shape): readonly JsonType[] {
  return types ?? (implied.size > 0 ? [...implied] : ALL_TYPES);
}

export function isOfType(value: JsonNode, type: JsonType): boolean {
  if (type === 'integer') return value.type === 'number' && value.decimal.isInteger;
  return value.type === type;
}

/**
 * Whether some generated value of `a` may also be valid for `b`. Says yes when in doubt, and recognises the usual
 * differences: types, values, ranges, properties that only one of them requires.
 */
export function mayFitBoth(a: Shape, b: Shape, isPossible: IsPossible): boolean {
  if (a.values !== null) return a.values.some((value) => mayFit(value, a) && mayFit(value, b));
  if (b.values !== null) return b.values.some((value) => mayFit(value, a) && mayFit(value, b));
  return writtenTypes(a).some((type) => allowsType(b, type) && mayFitAs(type, a, b, isPossible));
}

function mayFit(value: JsonNode, { types, values, ...shape }: Shape): boolean {
  if (types !== null && !types.some((type) => isOfType(value, type))) return false;
  if (values !== null) {
    const wanted = canonical(value);
    return values.some((other) => canonical(other) === wanted);
  }
  if (value.type === 'string') {
    const length = Array.from(value.value).length;
    return shape.minLength <= length && length <= (shape.maxLength ?? Infinity);
  }
  if (value.type !== 'number') return true;
  const { min, max, excludesMin, excludesMax } = shape;
  const above = min === null || value.value > min || (value.value === min && !excludesMin);
  return above && (max === null || value.value < max || (value.value === max && !excludesMax));
}

function allowsType({ types }: Shape, type: JsonType): boolean {
  if (types === null || types.includes(type)) return true;
  // Integers are numbers, and some numbers are integers.
  return (type === 'number' && types.includes('integer')) || (type === 'integer' && types.includes('number'));
}

function mayFitAs(type: JsonType, a: Shape, b: Shape, isPossible: IsPossible): boolean {
  switch (type) {
    case 'number':
    case 'integer': {
      const { min, max, excludesMin, excludesMax } = mergeRange(a, b);
      if (min === null || max === null) return true;
      return min < max || (min === max && !excludesMin && !excludesMax);
    }
    case 'string':
      return Math.max(a.minLength, b.minLength) <= Math.min(a.maxLength ?? Infinity, b.maxLength ?? Infinity);
    case 'array':
      return Math.max(a.minItems, b.minItems) <= Math.min(a.maxItems ?? Infinity, b.maxItems ?? Infinity);
    case 'object':
      return mayFitAsObject(a, b, isPossible);
    default:
      return true;
  }
}

function mayFitAsObject(a: Shape, b: Shape, isPossible: IsPossible): boolean {
  const listed = new Set([...a.properties.keys(), ...a.required]);
  const isOpen = a.additional === null ? listed.size === 0 : isPossible(a.additional);
  const ofName = ({ properties, additional }: Shape, name: string): Schemas => properties.get(name) ?? additional ?? [];
  for (const name of new Set([...a.required, ...b.required])) {
    const isWritten = isOpen || listed.has(name);
    if (!isWritten || !isPossible([...ofName(a, name), ...ofName(b, name)])) return false;
  }
  return true;
}
