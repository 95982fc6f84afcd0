import { spendCharacters, spendSteps } from './budget.ts';
import { TemplateFault } from './fault.ts';
import type { Text } from './text.ts';

/** A float. Integers are plain numbers. */
export class Float {
  constructor(readonly value: number) {}
}

/** A list, a tuple, or a filter's iterable result. Creating and iterating it costs a step per item. */
export class List {
  readonly #items: readonly Value[];

  /** @throws LimitFault */
  constructor(
    items: readonly Value[],
    readonly isTuple = false,
  ) {
    spendSteps(items.length);
    this.#items = items;
  }

  /** For iteration, charged. @throws LimitFault */
  get items(): readonly Value[] {
    spendSteps(this.#items.length);
    return this.#items;
  }

  get size(): number {
    return this.#items.length;
  }

  /** From the end for a negative index; undefined if out of range. */
  at(index: number): Value | undefined {
    return this.#items.at(index);
  }

  /** A sublist. */
  cut(from: number, to: number): List {
    return new List(this.#items.slice(from, to), this.isTuple);
  }
}

interface Entry {
  readonly key: Value;
  readonly value: Value;
}

/** Creating and iterating it costs a step per entry. */
export class Dict {
  readonly #entries: ReadonlyMap<string, Entry>;

  /** @throws LimitFault */
  constructor(
    /** By `keyOf`, in insertion order. */
    entries: ReadonlyMap<string, Entry>,
    /** Index of the chat message that this is; null for other dicts. */
    readonly message: number | null = null,
  ) {
    spendSteps(entries.size);
    this.#entries = entries;
  }

  /** For iteration, charged. @throws LimitFault */
  get entries(): Entry[] {
    spendSteps(this.#entries.size);
    return Array.from(this.#entries.values());
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: Value): boolean {
    return this.#entries.has(keyOf(key));
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(keyOf(key))?.value;
  }

  /** As `get`, but undefined for what cannot be a key: Jinja2's `dict[key]` ignores the error. */
  item(key: Value): Value | undefined {
    const hash = hashOf(key);
    return hash === null ? undefined : this.#entries.get(hash)?.value;
  }

  text(name: string): Value | undefined {
    spendCharacters(name.length);
    return this.#entries.get(`s${name}`)?.value;
  }

  copy(): Dict {
    return new Dict(this.#entries);
  }

  keys(): Value[] {
    return this.entries.map(({ key }) => key);
  }
}

/** The only value whose attributes a template may set. */
export class Namespace {
  readonly attributes = new Map<string, Value>();
}

/** An undefined value; `problem` names what was missing. */
export class Undefined {
  constructor(readonly problem: string) {}
}

/** A function, method or macro. */
export class Func {
  constructor(
    readonly name: string,
    readonly call: (args: CallArguments) => Value,
  ) {}
}

export interface CallArguments {
  readonly positional: readonly Value[];
  readonly keywords: ReadonlyMap<string, Value>;
}

/** The `loop` variable. */
export class LoopState {
  index = 0;
  /** Last arguments of `loop.changed`. */
  last: Value[] | null = null;

  constructor(
    readonly items: readonly Value[],
    readonly depth: number,
    /** Renders the loop for other items; null when it is not recursive. */
    readonly recurse: ((items: Value) => Value) | null,
  ) {}
}

export type Value = null | boolean | number | Float | Text | List | Dict | Namespace | Undefined | Func | LoopState;

/** Key of a value in a `Dict`, the same for equal values; null for what cannot be one. */
function hashOf(value: Value): string | null {
  if (value === null) return 'none';
  if (value instanceof Undefined) return 'undefined';
  if (isText(value)) return `s${value.value}`;
  const number = asNumber(value);
  return number === null ? null : `n${number}`;
}

/** @throws TemplateFault for anything but texts, numbers, none and undefined */
function keyOf(value: Value): string {
  const key = hashOf(value);
  if (key === null) throw new TemplateFault(`unhashable type: '${typeName(value)}'`);
  return key;
}

export function dictOf(entries: Iterable<readonly [Value, Value]>): Dict {
  const map = new Map<string, Entry>();
  for (const [key, value] of entries) {
    const id = keyOf(key);
    map.set(id, { key: map.get(id)?.key ?? key, value });
  }
  return new Dict(map);
}

export function isText(value: Value): value is Text {
  return typeof value === 'object' && value !== null && 'marks' in value;
}

/** The numeric value, with true and false as 1 and 0; null for other types. */
export function asNumber(value: Value): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  return value instanceof Float ? value.value : null;
}

export function isTruthy(value: Value): boolean {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return Boolean(value);
  if (isText(value)) return value.size > 0;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof List) return value.size > 0;
  if (value instanceof Dict) return value.size > 0;
  return !(value instanceof Undefined);
}

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'int';
  if (isText(value)) return 'str';
  if (value instanceof Float) return 'float';
  if (value instanceof List) return value.isTuple ? 'tuple' : 'list';
  if (value instanceof Dict) return 'dict';
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Namespace) return 'Namespace';
  return value instanceof LoopState ? 'LoopContext' : 'function';
}

/** @throws TemplateFault with the undefined name */
export function defined(value: Value): Exclude<Value, Undefined> {
  if (value instanceof Undefined) throw new TemplateFault(value.problem);
  return value;
}

/** The interpreter's services for filters and tests. */
export interface Runtime {
  /** `value.name`. */
  attribute(value: Value, name: string): Value;
  /** `value[key]`. */
  item(value: Value, key: Value): Value;
  filter(name: string, value: Value, args: CallArguments): Value;
  test(name: string, value: Value, args: CallArguments): boolean;
}

export const NO_ARGUMENTS: CallArguments = { positional: [], keywords: new Map() };

export type Filter = (value: Value, args: CallArguments, runtime: Runtime) => Value;
export type Test = (value: Value, args: CallArguments, runtime: Runtime) => boolean;
