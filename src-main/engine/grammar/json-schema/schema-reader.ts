import { grammarError } from '../source-position.ts';
import type { JsonNode, JsonObject } from './json-source.ts';
import { mayFitBoth } from './one-of.ts';
import type { SchemaBudget } from './schema-budget.ts';
import {
  anyShape,
  CannotMerge,
  commonValues,
  mergeShapes,
  sizeOf,
  type JsonType,
  type Schemas,
  type Shape,
  type Sourced,
} from './shape.ts';

/** Maximum number of alternatives that result from `anyOf`, `oneOf` and `allOf` at one position. */
const MAX_ALTERNATIVES = 200;
/** Maximum depth of schemas nested in or referring to each other at one position. */
const MAX_LEVELS = 200;
/** Cost of comparing two alternatives of `oneOf`, in the budget's units. */
const WORK_PER_PAIR = 8;

const TYPES: readonly JsonType[] = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

/** Keywords without effect on validity. */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  ...['$schema', '$id', '$comment', '$defs', 'definitions', 'title', 'description', 'default', 'examples'],
  ...['deprecated', 'readOnly', 'writeOnly'],
]);
/** Keywords that are resolved before shapes are read. */
const COMBINING = new Set(['$ref', 'allOf', 'anyOf', 'oneOf']);

/** Types that a keyword applies to. */
const ABOUT: Readonly<Record<string, readonly JsonType[]>> = {
  properties: ['object'],
  required: ['object'],
  additionalProperties: ['object'],
  minProperties: ['object'],
  maxProperties: ['object'],
  items: ['array'],
  prefixItems: ['array'],
  additionalItems: ['array'],
  minItems: ['array'],
  maxItems: ['array'],
  uniqueItems: ['array'],
  minLength: ['string'],
  maxLength: ['string'],
  pattern: ['string'],
  format: ['string'],
  minimum: ['number'],
  maximum: ['number'],
  exclusiveMinimum: ['number'],
  exclusiveMaximum: ['number'],
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads schemas as shapes. Errors name the keyword and its position in the schema's text. */
export class SchemaReader {
  /** First options of `oneOf`s that were checked. */
  private readonly checkedOneOfs = new Set<JsonNode>();
  /** Alternatives of fully resolved schemas. */
  private readonly known = new Map<JsonNode, readonly Shape[]>();
  private level = 0;

  constructor(
    private readonly root: JsonNode,
    private readonly source: string,
    private readonly budget: SchemaBudget,
  ) {}

  /**
   * The alternatives of schemas that apply together; none when they exclude each other.
   * @throws EngineError GRAMMAR
   */
  shapes(schemas: Schemas): readonly Shape[] {
    const at = schemas[0]?.at ?? this.root.at;
    return this.together(
      schemas.map((schema) => this.alternatives(schema, new Set())),
      at,
    );
  }

  /**
   * Checks that exactly one option of `oneOf` can match: what is generated for one must never be valid for another.
   * @throws EngineError GRAMMAR if that is not certain
   */
  checkOneOf(options: readonly JsonNode[]): void {
    const [first] = options;
    // Options may be recursive.
    if (this.checkedOneOfs.has(first)) return;
    this.checkedOneOfs.add(first);
    const shapes = options.map((option) => this.shapes([option]));
    const isPossible = (schemas: Schemas) => this.shapes(schemas).length > 0;
    shapes.forEach((of, i) => {
      const other = shapes.findIndex((others, j) => {
        if (i === j) return false;
        return of.some((a) =>
          others.some((b) => {
            this.budget.spend(WORK_PER_PAIR + ((a.values?.length ?? 0) * (b.values?.length ?? 0)) / 8, options[i].at);
            return mayFitBoth(a, b, isPossible);
          }),
        );
      });
      if (other === -1) return;
      const [low, high] = [Math.min(i, other), Math.max(i, other)];
      const message = `Options ${low + 1} and ${high + 1} of "oneOf" could both match. Make them differ in a property, type or value, or use "anyOf".`;
      throw this.error(message, options[high]);
    });
  }

  /** The target of a `$ref`. */
  target(ref: JsonNode): JsonNode {
    const pointer = this.string('$ref', ref);
    this.budget.spend(1 + pointer.length / 8, ref.at);
    if (pointer !== '#' && !pointer.startsWith('#/')) {
      throw this.error(
        `The reference ${JSON.stringify(pointer)} must start with #/: only references within this schema are supported.`,
        ref,
      );
    }
    let node: JsonNode | undefined = this.root;
    for (const part of pointer.split('/').slice(1)) {
      const key = decodePart(part);
      if (node?.type === 'object') node = node.entries.get(key)?.value;
      else node = node?.type === 'array' ? node.items[Number(key)] : undefined;
    }
    if (node === undefined) throw this.error(`There is nothing at ${JSON.stringify(pointer)}.`, ref);
    return node;
  }

  /** @throws EngineError GRAMMAR when the schema is neither an object nor a boolean */
  object(schema: JsonNode): JsonObject | boolean {
    if (schema.type === 'object') return schema;
    if (schema.type === 'boolean') return schema.value;
    throw this.error('A schema must be an object, true or false.', schema);
  }

  /** @param following schemas whose `$ref` led here, which must not be repeated */
  private alternatives(schema: JsonNode, following: ReadonlySet<JsonNode>): readonly Shape[] {
    const known = this.known.get(schema);
    if (known !== undefined) return known;
    const object = this.object(schema);
    if (object === true) return [anyShape(schema.at)];
    if (object === false) return [];
    if (following.has(schema)) throw this.error('This schema refers to itself and to nothing else.', schema);
    if (this.level === MAX_LEVELS) {
      throw this.error(`Schemas are nested or refer to each other more than ${MAX_LEVELS} deep here.`, schema);
    }
    this.level++;
    const alternatives = this.read(object, following);
    this.level--;
    this.known.set(schema, alternatives);
    return alternatives;
  }

  private read(schema: JsonObject, following: ReadonlySet<JsonNode>): Shape[] {
    this.budget.spend(1 + schema.entries.size + following.size, schema.at);
    const seen = new Set([...following, schema]);
    const parts: (readonly Shape[])[] = [[this.ownShape(schema)]];
    for (const [keyword, { value }] of schema.entries) {
      if (keyword === '$ref') parts.push(this.alternatives(this.target(value), seen));
      if (keyword === 'allOf') {
        for (const part of this.list(keyword, value)) parts.push(this.alternatives(part, seen));
      }
      if (keyword === 'oneOf') this.checkOneOf(this.list(keyword, value));
      if (keyword === 'anyOf' || keyword === 'oneOf') {
        parts.push(this.list(keyword, value).flatMap((part) => this.alternatives(part, seen)));
      }
    }
    return this.together(parts, schema.at);
  }

  /** All possible combinations of one alternative per part. */
  private together(parts: readonly (readonly Shape[])[], at: number): Shape[] {
    try {
      return parts.reduce<Shape[]>(
        (found, part) => {
          const next = found.flatMap((a) => part.map((b) => this.merged(a, b, at))).filter((shape) => shape !== null);
          if (next.length <= MAX_ALTERNATIVES) return next;
          throw new CannotMerge(`This schema has more than ${MAX_ALTERNATIVES} alternatives.`, at);
        },
        [anyShape(at)],
      );
    } catch (error) {
      if (!(error instanceof CannotMerge)) throw error;
      throw grammarError(error.message, this.source, error.at);
    }
  }

  private merged(a: Shape, b: Shape, at: number): Shape | null {
    this.budget.spend(sizeOf(a) + sizeOf(b), at);
    return mergeShapes(a, b);
  }

  private ownShape(schema: JsonObject): Shape {
    const shape: Writable<Shape> = anyShape(schema.at);
    const implied = new Set<JsonType>();
    for (const [keyword, { at, value }] of schema.entries) {
      if (ANNOTATIONS.has(keyword) || COMBINING.has(keyword) || keyword.startsWith('x-')) continue;
      // No draft applies it otherwise.
      if (keyword === 'additionalItems' && schema.entries.get('items')?.value.type !== 'array') continue;
      ABOUT[keyword]?.forEach((type) => implied.add(type));
      this.readKeyword(shape, keyword, value, at);
    }
    return { ...shape, implied };
  }

  private readKeyword(shape: Writable<Shape>, keyword: string, value: JsonNode, at: number): void {
    switch (keyword) {
      case 'type':
        shape.types = this.types(value);
        return;
      case 'enum':
        shape.values = commonValues(shape.values, this.list(keyword, value));
        return;
      case 'const':
        shape.values = commonValues(shape.values, [value]);
        return;
      case 'properties':
        if (value.type !== 'object') throw this.error('"properties" must be an object.', value);
        shape.properties = new Map(Array.from(value.entries, ([name, entry]) => [name, [entry.value]]));
        return;
      case 'required':
        shape.required = new Set(this.list(keyword, value, 0).map((name) => this.string(keyword, name)));
        return;
      case 'additionalProperties':
        shape.additional = [value];
        return;
      case 'minProperties':
      case 'maxProperties':
        shape[keyword] = { value: this.count(keyword, value), at };
        return;
      case 'prefixItems':
        shape.prefixItems = this.list(keyword, value).map((item) => [item]);
        return;
      case 'items':
        // Before 2020, a list here had the meaning of `prefixItems`.
        if (value.type === 'array') shape.prefixItems = value.items.map((item) => [item]);
        else shape.items = [...shape.items, value];
        return;
      case 'additionalItems':
        shape.items = [...shape.items, value];
        return;
      case 'minItems':
      case 'minLength':
      case 'maxItems':
      case 'maxLength':
        shape[keyword] = this.count(keyword, value);
        return;
      case 'uniqueItems':
        if (value.type !== 'boolean' || value.value) throw this.unsupported(keyword, at);
        return;
      case 'pattern':
      case 'format':
        shape[keyword] = { value: this.string(keyword, value), at: value.at } satisfies Sourced<string>;
        return;
      case 'minimum':
      case 'exclusiveMinimum':
        this.bound(shape, { min: this.bounds(keyword, value), excludesMin: keyword === 'exclusiveMinimum' });
        return;
      case 'maximum':
      case 'exclusiveMaximum':
        this.bound(shape, { max: this.bounds(keyword, value), excludesMax: keyword === 'exclusiveMaximum' });
        return;
      default:
        throw this.unsupported(keyword, at);
    }
  }

  /** Applies an inclusive or exclusive bound: the tighter one counts. */
  private bound(shape: Writable<Shape>, bound: Partial<Shape>): void {
    const both = mergeShapes(shape, { ...anyShape(shape.at), ...bound });
    if (both !== null) Object.assign(shape, both);
  }

  private types(value: JsonNode): JsonType[] {
    const names = value.type === 'array' ? this.list('type', value) : [value];
    const types = names.map((name) => {
      const known = TYPES.find((type) => name.type === 'string' && type === name.value);
      if (known !== undefined) return known;
      throw this.error(`"type" must be one of ${TYPES.join(', ')}, or a list of them.`, name);
    });
    return [...new Set(types)];
  }

  private list(keyword: string, value: JsonNode, min = 1): readonly JsonNode[] {
    if (value.type === 'array' && value.items.length >= min) return value.items;
    throw this.error(`"${keyword}" must be a list${min > 0 ? ' with at least one entry' : ''}.`, value);
  }

  private string(keyword: string, value: JsonNode): string {
    if (value.type === 'string') return value.value;
    throw this.error(`"${keyword}" must be a string here.`, value);
  }

  private count(keyword: string, value: JsonNode): number {
    if (value.type === 'number' && Number.isSafeInteger(value.value) && value.value >= 0) return value.value;
    throw this.error(`"${keyword}" must be a whole number of at least 0.`, value);
  }

  private bounds(keyword: string, value: JsonNode): number {
    if (value.type !== 'number') throw this.error(`"${keyword}" must be a number.`, value);
    const { value: bound } = value;
    if (Math.abs(bound) <= 1e15 && !String(bound).includes('e')) return bound;
    throw this.error(`"${keyword}" must be between -1e15 and 1e15, with at most 6 decimal places.`, value);
  }

  private unsupported(keyword: string, at: number): Error {
    const message = `The keyword ${JSON.stringify(keyword)} cannot be enforced during generation. Remove it.`;
    return grammarError(message, this.source, at);
  }

  private error(message: string, { at }: JsonNode): Error {
    return grammarError(message, this.source, at);
  }
}

/** A part of a JSON pointer (RFC 6901) in a URI. */
function decodePart(part: string): string {
  let decoded = part;
  try {
    decoded = decodeURIComponent(part);
  } catch {
    // Not a URI escape: use the part literally.
  }
  return decoded.replaceAll('~1', '/').replaceAll('~0', '~');
}
