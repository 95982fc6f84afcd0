import type { JsonNode } from './json-source.ts';

/** Several schemas that apply together. */
export type Schemas = readonly JsonNode[];

export type JsonType = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';

/** A keyword's value with its position. */
export interface Sourced<T> {
  readonly value: T;
  readonly at: number;
}

/** Schemas that apply together, without alternatives: the result of resolving `allOf`, `anyOf`, `oneOf` and `$ref`. */
export interface Shape {
  readonly at: number;
  /** Null for any. */
  readonly types: readonly JsonType[] | null;
  /** The only allowed values, from `enum` and `const`; null for any. */
  readonly values: readonly JsonNode[] | null;
  readonly properties: ReadonlyMap<string, Schemas>;
  readonly required: ReadonlySet<string>;
  /** Schemas of unlisted properties; null if unspecified. */
  readonly additional: Schemas | null;
  readonly minProperties: Sourced<number> | null;
  readonly maxProperties: Sourced<number> | null;
  readonly prefixItems: readonly Schemas[];
  /** Schemas of the items after `prefixItems`. */
  readonly items: Schemas;
  readonly minItems: number;
  readonly maxItems: number | null;
  readonly minLength: number;
  readonly maxLength: number | null;
  readonly pattern: Sourced<string> | null;
  readonly format: Sourced<string> | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly excludesMin: boolean;
  readonly excludesMax: boolean;
  /** Types that its keywords apply to. */
  readonly implied: ReadonlySet<JsonType>;
}

export function anyShape(at: number): Shape {
  return {
    at,
    types: null,
    values: null,
    properties: new Map(),
    required: new Set(),
    additional: null,
    minProperties: null,
    maxProperties: null,
    prefixItems: [],
    items: [],
    minItems: 0,
    maxItems: null,
    minLength: 0,
    maxLength: null,
    pattern: null,
    format: null,
    min: null,
    max: null,
    excludesMin: false,
    excludesMax: false,
    implied: new Set(),
  };
}

/** Cost of merging or copying a shape. */
export function sizeOf({ properties, required, values, additional, prefixItems, items }: Shape): number {
  let size = 1 + required.size + (values?.length ?? 0) + (additional?.length ?? 0) + items.length;
  for (const schemas of properties.values()) size += 1 + schemas.length;
  for (const schemas of prefixItems) size += 1 + schemas.length;
  return size;
}

/** Two valid schemas cannot be merged. */
export class CannotMerge extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

/**
 * The intersection of two shapes; null when it is empty.
 * @throws CannotMerge for two patterns or formats
 */
export function mergeShapes(a: Shape, b: Shape): Shape | null {
  const types = commonTypes(a.types, b.types);
  const values = commonValues(a.values, b.values);
  if (types?.length === 0 || values?.length === 0) return null;
  return {
    at: a.at,
    types,
    values,
    properties: mergeProperties(a, b),
    required: new Set([...a.required, ...b.required]),
    additional: a.additional === null ? b.additional : both(a.additional, b.additional ?? []),
    minProperties: higher(a.minProperties, b.minProperties),
    maxProperties: lower(a.maxProperties, b.maxProperties),
    ...mergeItems(a, b),
    minItems: Math.max(a.minItems, b.minItems),
    maxItems: least(a.maxItems, b.maxItems),
    minLength: Math.max(a.minLength, b.minLength),
    maxLength: least(a.maxLength, b.maxLength),
    pattern: onlyOne('pattern', a.pattern, b.pattern),
    format: onlyOne('format', a.format, b.format),
    ...mergeRange(a, b),
    implied: new Set([...a.implied, ...b.implied]),
  };
}

function commonTypes(a: Shape['types'], b: Shape['types']): Shape['types'] {
  if (a === null || b === null) return a ?? b;
  const common = a.filter((type) => b.includes(type));
  // Integers are numbers.
  const oneSided = (x: readonly JsonType[], y: readonly JsonType[]): boolean =>
    x.includes('integer') && !x.includes('number') && y.includes('number');
  if (!common.includes('integer') && (oneSided(a, b) || oneSided(b, a))) common.push('integer');
  return common;
}

/** The values that are in both lists; null stands for all. */
export function commonValues(a: Shape['values'], b: Shape['values']): Shape['values'] {
  if (a === null || b === null) return a ?? b;
  const keys = new Set(b.map(canonical));
  return a.filter((value) => keys.has(canonical(value)));
}

const canonicalOf = new WeakMap<JsonNode, string>();

/** The same text for equal values, cached per value. */
export function canonical(node: JsonNode): string {
  const known = canonicalOf.get(node);
  if (known !== undefined) return known;
  const text = canonicalText(node);
  canonicalOf.set(node, text);
  return text;
}

function canonicalText(node: JsonNode): string {
  if (node.type === 'array') return `[${node.items.map(canonical).join()}]`;
  if (node.type === 'number') return node.decimal.canonical;
  if (node.type !== 'object') return JSON.stringify(node.value);
  const entries = [...node.entries].map(([key, { value }]) => `${JSON.stringify(key)}:${canonical(value)}`);
  return `{${entries.sort().join()}}`;
}

function mergeProperties(a: Shape, b: Shape): Map<string, Schemas> {
  const merged = new Map<string, Schemas>();
  for (const name of new Set([...a.properties.keys(), ...b.properties.keys()])) {
    // If one side does not list a property, its rule for additional properties applies.
    const ofA = a.properties.get(name) ?? a.additional ?? [];
    const ofB = b.properties.get(name) ?? b.additional ?? [];
    merged.set(name, both(ofA, ofB));
  }
  return merged;
}

function mergeItems(a: Shape, b: Shape): Pick<Shape, 'prefixItems' | 'items'> {
  const length = Math.max(a.prefixItems.length, b.prefixItems.length);
  const prefixItems = Array.from({ length }, (_, i) => both(a.prefixItems[i] ?? a.items, b.prefixItems[i] ?? b.items));
  return { prefixItems, items: both(a.items, b.items) };
}

/** Removes duplicate schemas, which would otherwise double with every level. */
function both(a: Schemas, b: Schemas): Schemas {
  return a.length === 0 ? b : b.length === 0 ? a : [...new Set([...a, ...b])];
}

export function mergeRange(a: Shape, b: Shape): Pick<Shape, 'min' | 'max' | 'excludesMin' | 'excludesMax'> {
  const low = tighter(a.min, b.min, a.excludesMin, b.excludesMin, 1);
  const high = tighter(a.max, b.max, a.excludesMax, b.excludesMax, -1);
  return { min: low.bound, excludesMin: low.excluded, max: high.bound, excludesMax: high.excluded };
}

/** @param sign 1 if the higher bound is the tighter one, else -1 */
function tighter(a: number | null, b: number | null, excludesA: boolean, excludesB: boolean, sign: 1 | -1) {
  if (a === null) return { bound: b, excluded: excludesB };
  if (b === null) return { bound: a, excluded: excludesA };
  if (a === b) return { bound: a, excluded: excludesA || excludesB };
  return sign * a > sign * b ? { bound: a, excluded: excludesA } : { bound: b, excluded: excludesB };
}

function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function higher(a: Sourced<number> | null, b: Sourced<number> | null): Sourced<number> | null {
  return a === null || b === null ? (a ?? b) : a.value >= b.value ? a : b;
}

function lower(a: Sourced<number> | null, b: Sourced<number> | null): Sourced<number> | null {
  return a === null || b === null ? (a ?? b) : a.value <= b.value ? a : b;
}

function onlyOne(keyword: string, a: Sourced<string> | null, b: Sourced<string> | null): Sourced<string> | null {
  if (a === null || b === null || a.value === b.value) return a ?? b;
  throw new CannotMerge(`Two "${keyword}" keywords cannot be combined here. Merge them into one.`, b.at);
}
