import { MAX_REPETITIONS } from '../compile-rules.ts';
import {
  choice,
  choiceOf,
  EMPTY,
  optional,
  repeat,
  sequence,
  text,
  type Expression,
  type GrammarRules,
  type Rule,
} from '../expression.ts';
import { grammarError } from '../source-position.ts';
import { FORMAT_NAMES, formatText } from './formats.ts';
import { jsonText, readJson, type JsonNode } from './json-source.ts';
import { anyNumber, anyStringCharacter, space, wholeDigits } from './json-text.ts';
import { keysExcept } from './keys.ts';
import { integersIn, LARGEST, numbersIn, type Range } from './number-range.ts';
import { isOfType, writtenTypes } from './one-of.ts';
import { MAX_PATTERN_LENGTH, PatternProblem, patternText } from './pattern.ts';
import { SchemaBudget } from './schema-budget.ts';
import { ANNOTATIONS, SchemaReader } from './schema-reader.ts';
import type { JsonType, Schemas, Shape } from './shape.ts';

/**
 * Compiles a schema (draft 2020-12, and what earlier drafts share with it) to a grammar of the JSON texts it allows:
 * properties in the order of the schema, little white space. Keywords that a grammar cannot enforce are refused.
 * @param source the schema as JSON text
 * @throws EngineError GRAMMAR with line and column
 */
export function compileSchema(source: string): GrammarRules {
  const root = readJson(source);
  return new Compiler(root, source).compile();
}

/** Maximum number of rules from schemas, one for each combination of schemas that apply together. */
const MAX_RULES = 10_000;
/** Of a property, if unlisted ones are allowed. */
const MAX_NAME_LENGTH = 256;
/** Cost of a character of a pattern or a name, in the budget's units. */
const WORK_PER_CHARACTER = 10;

class Compiler {
  private readonly reader: SchemaReader;
  private readonly budget: SchemaBudget;
  private readonly rules = new Map<string, Rule>();
  private readonly patterns = new Map<string, Expression>();
  /** Rules whose expression is not compiled yet. */
  private readonly open: { name: string; schemas: Schemas; at: number }[] = [];
  private parts = 0;

  constructor(
    private readonly root: JsonNode,
    private readonly source: string,
  ) {
    this.budget = new SchemaBudget(source);
    this.reader = new SchemaReader(root, source, this.budget);
  }

  compile(): GrammarRules {
    const { at } = this.root;
    this.addRule('space', space(), at);
    this.addRule('character', anyStringCharacter(), at);
    this.addRule('root', this.value([this.root]), at);
    // Iterative instead of recursive: a chain of schemas can be deeper than the stack.
    for (let next = this.open.pop(); next !== undefined; next = this.open.pop()) {
      this.addRule(next.name, this.alternatives(next.schemas), next.at);
    }
    return { rules: this.rules, source: this.source, isSchema: true };
  }

  /** A value that matches all of `schemas`: a rule, created once, so that schemas may be recursive. */
  private value(schemas: Schemas): Expression {
    const at = schemas[0]?.at ?? this.root.at;
    this.budget.spend(1 + schemas.length, at);
    const places = [...new Set(schemas.map((schema) => schema.at))].sort((a, b) => a - b);
    const name = `value-${places.join('-')}`;
    if (!this.rules.has(name)) {
      this.addRule(name, EMPTY, at);
      this.open.push({ name, schemas, at });
    }
    return { kind: 'rule', name, at };
  }

  private addRule(name: string, expression: Expression, at: number): void {
    this.rules.set(name, { expression, at });
    if (this.rules.size > MAX_RULES) {
      throw this.error(
        `This schema is too complex: more than ${MAX_RULES} combinations of its parts are possible.`,
        at,
      );
    }
  }

  private alternatives(schemas: Schemas): Expression {
    const inside = this.singleChoice(schemas);
    if (inside !== null) return inside;
    const options = this.reader.shapes(schemas).flatMap((shape) => this.shape(shape));
    if (options.length === 0) throw this.error('No value can match this schema.', schemas[0].at);
    return choiceOf(options);
  }

  /** A lone `$ref` or `anyOf` stays a rule of its own, because its target may contain it. */
  private singleChoice(schemas: Schemas): Expression | null {
    if (schemas.length !== 1 || schemas[0].type !== 'object') return null;
    const assertions = [...schemas[0].entries].filter(([keyword]) => !ANNOTATIONS.has(keyword));
    if (assertions.length !== 1) return null;
    const [keyword, { value }] = assertions[0];
    if (keyword === '$ref') return this.value([this.reader.target(value)]);
    if ((keyword !== 'anyOf' && keyword !== 'oneOf') || value.type !== 'array' || value.items.length === 0) return null;
    if (keyword === 'oneOf') this.reader.checkOneOf(value.items);
    return choiceOf(value.items.map((option) => this.value([option])));
  }

  /** Whether there is an alternative, whatever its properties and items allow. */
  private allowsAny(schemas: Schemas): boolean {
    return this.reader.shapes(schemas).length > 0;
  }

  private shape(shape: Shape): Expression[] {
    if (shape.values !== null) return this.values(shape, shape.values);
    const types = writtenTypes(shape);
    return types
      .filter((type) => type !== 'integer' || !types.includes('number'))
      .map((type) => this.ofType(type, shape))
      .filter((expression) => expression !== null);
  }

  private values(shape: Shape, values: readonly JsonNode[]): Expression[] {
    const { types, implied, at } = shape;
    if (implied.size > 0) {
      throw this.error('"enum" and "const" cannot be combined with other keywords here. List the allowed values.', at);
    }
    const fitting = values.filter((value) => types === null || types.some((type) => isOfType(value, type)));
    return fitting.map((value) => {
      const written = jsonText(value);
      this.budget.spend(written.length / WORK_PER_CHARACTER, at);
      return text(written);
    });
  }

  /** @returns null if there is no value of that type */
  private ofType(type: JsonType, shape: Shape): Expression | null {
    switch (type) {
      case 'null':
        return text('null');
      case 'boolean':
        return choice(text('true'), text('false'));
      case 'string':
        return sequence(text('"'), this.string(shape), text('"'));
      case 'number':
      case 'integer':
        return this.number(type, shape);
      case 'array':
        return this.array(shape);
      case 'object':
        return this.object(shape);
    }
  }

  private number(type: 'number' | 'integer', { min, max, excludesMin, excludesMax }: Shape): Expression | null {
    if (min === null && max === null) {
      return type === 'number' ? anyNumber() : sequence(optional(text('-')), wholeDigits());
    }
    const range: Range = { min: min ?? -LARGEST, max: max ?? LARGEST, excludesMin, excludesMax };
    return type === 'number' ? numbersIn(range) : integersIn(range);
  }

  private string({ at, minLength, maxLength, pattern, format }: Shape): Expression {
    if ([pattern !== null, format !== null, minLength > 0 || maxLength !== null].filter(Boolean).length > 1) {
      throw this.error('"pattern", "format" and a length cannot be combined. Express the length in the pattern.', at);
    }
    if (pattern !== null) return this.pattern(pattern.value, pattern.at);
    if (format !== null) {
      const known = formatText(format.value);
      if (known !== null) return known;
      throw this.error(`Unknown format "${format.value}". Supported: ${FORMAT_NAMES.join(', ')}.`, format.at);
    }
    this.checkCount('maxLength', minLength, maxLength, at);
    return repeat({ kind: 'rule', name: 'character', at }, minLength, maxLength, at);
  }

  private pattern(pattern: string, at: number): Expression {
    const known = this.patterns.get(pattern);
    if (known !== undefined) return known;
    this.budget.spend(Math.min(pattern.length, MAX_PATTERN_LENGTH) * WORK_PER_CHARACTER, at);
    try {
      const expression = patternText(pattern);
      this.patterns.set(pattern, expression);
      return expression;
    } catch (error) {
      if (!(error instanceof PatternProblem)) throw error;
      throw this.error(`The pattern ${error.message} (at character ${error.index + 1}).`, at);
    }
  }

  private array({ at, prefixItems, items, minItems, maxItems }: Shape): Expression | null {
    this.checkCount('maxItems', minItems, maxItems, at);
    const comma = sequence(text(','), SPACE);
    const fixed = prefixItems.slice(0, maxItems ?? prefixItems.length);
    const possible = fixed.findIndex((schemas) => !this.allowsAny(schemas));
    const known = possible === -1 ? fixed : fixed.slice(0, possible);
    const open = possible === -1 && fixed.length === prefixItems.length && this.allowsAny(items);
    if (minItems > known.length && !open) return null;

    let rest: Expression = EMPTY;
    const more = maxItems === null ? null : maxItems - known.length;
    if (open && more !== 0) {
      const least = Math.max(0, minItems - known.length);
      const item = sequence(this.value(items), SPACE);
      const next = sequence(comma, item);
      if (known.length > 0) rest = repeat(next, least, more, at);
      else {
        const some = sequence(item, repeat(next, Math.max(0, least - 1), more === null ? null : more - 1, at));
        rest = least > 0 ? some : optional(some);
      }
    }
    for (let i = known.length - 1; i >= 0; i--) {
      const item = sequence(...(i > 0 ? [comma] : []), this.value(known[i]), SPACE, this.part(rest, at));
      rest = i < minItems ? item : optional(item);
    }
    return sequence(text('['), SPACE, rest, text(']'));
  }

  private object(shape: Shape): Expression | null {
    const { at, required } = shape;
    const names = [...new Set([...shape.properties.keys(), ...required])];
    const properties: { name: string; schemas: Schemas; isRequired: boolean }[] = [];
    for (const name of names) {
      const schemas = shape.properties.get(name) ?? shape.additional ?? [];
      const isRequired = required.has(name);
      if (this.allowsAny(schemas)) properties.push({ name, schemas, isRequired });
      else if (isRequired) return null;
    }
    // If properties are listed and nothing is said about others, none are allowed: a model would invent them.
    const others = shape.additional ?? (names.length > 0 ? null : []);
    const isOpen = others !== null && this.allowsAny(others);
    const [least, most] = this.countOfOthers(shape, properties.length, isOpen);

    const comma = sequence(text(','), SPACE);
    const pair = (key: Expression, value: Schemas) => sequence(key, text(':'), SPACE, this.value(value), SPACE);
    const other = isOpen ? pair(this.otherKeys(names, at), others) : null;
    let first: Expression = EMPTY;
    let next: Expression = EMPTY;
    if (other !== null && most !== 0) {
      const more = repeat(sequence(comma, other), Math.max(0, least - 1), most === null ? null : most - 1, at);
      first = least > 0 ? sequence(other, more) : optional(sequence(other, more));
      next = repeat(sequence(comma, other), least, most, at);
    }
    // From the last property to the first: what can follow when nothing, or something, precedes.
    for (const { name, schemas, isRequired } of properties.reverse()) {
      const written = pair(text(JSON.stringify(name)), schemas);
      const behind = this.part(next, at);
      const without = this.part(first, at);
      first = isRequired ? sequence(written, behind) : choice(sequence(written, behind), without);
      next = isRequired ? sequence(comma, written, behind) : sequence(optional(sequence(comma, written)), behind);
    }
    return sequence(text('{'), SPACE, first, text('}'));
  }

  private otherKeys(names: readonly string[], at: number): Expression {
    for (const name of names) {
      if (name.length <= MAX_NAME_LENGTH) {
        this.budget.spend(name.length * WORK_PER_CHARACTER, at);
        continue;
      }
      const shown = JSON.stringify(`${name.slice(0, 40)}…`);
      throw this.error(`The property ${shown} has a name of more than ${MAX_NAME_LENGTH} characters.`, at);
    }
    return keysExcept(names, { kind: 'rule', name: 'character', at });
  }

  /** How many unlisted properties there may be. */
  private countOfOthers(
    { minProperties, maxProperties }: Shape,
    listed: number,
    isOpen: boolean,
  ): [least: number, most: number | null] {
    const bound = minProperties ?? maxProperties;
    if (bound === null) return [0, null];
    if (listed > 0 || !isOpen) {
      throw this.error('The number of properties can only be limited if none are listed.', bound.at);
    }
    const [least, most] = [minProperties?.value ?? 0, maxProperties?.value ?? null];
    this.checkCount('maxProperties', least, most, bound.at);
    if (least > 1) {
      const message = '"minProperties" above 1 cannot be enforced during generation, because a key could be repeated.';
      throw this.error(`${message} Use 1, or list the properties in "required".`, bound.at);
    }
    return [least, most];
  }

  /** A separate rule for an expression that is used several times. */
  private part(expression: Expression, at: number): Expression {
    if (expression === EMPTY) return EMPTY;
    const name = `part-${this.parts++}`;
    this.addRule(name, expression, at);
    return { kind: 'rule', name, at };
  }

  private checkCount(keyword: string, min: number, max: number | null, at: number): void {
    if (max !== null && max < min) throw this.error(`"${keyword}" is below its minimum.`, at);
    if (Math.max(min, max ?? 0) <= MAX_REPETITIONS) return;
    throw this.error(`"${keyword}" and its minimum must be at most ${MAX_REPETITIONS}.`, at);
  }

  private error(message: string, at: number): Error {
    return grammarError(message, this.source, at);
  }
}

const SPACE: Expression = { kind: 'rule', name: 'space', at: 0 };
