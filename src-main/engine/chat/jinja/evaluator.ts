import type { Arguments, BlockFilter, Call, Expression } from './ast.ts';
import { deeper, spendSteps } from './budget.ts';
import { compare, contains, isEqual } from './compare.ts';
import { TemplateFault } from './fault.ts';
import { FILTERS } from './filters.ts';
import { methodOf } from './methods.ts';
import { binary, whole } from './operators.ts';
import type { Scope } from './scope.ts';
import { itemAt, iterate, loopAttribute, objectName, slice } from './sequence.ts';
import { repr, show } from './show.ts';
import { TESTS } from './tests.ts';
import { joinTexts, Text } from './text.ts';
import {
  asNumber,
  defined,
  Dict,
  dictOf,
  Float,
  Func,
  isText,
  isTruthy,
  List,
  LoopState,
  Namespace,
  typeName,
  Undefined,
  type CallArguments,
  type Value,
  type Runtime,
} from './values.ts';

/** Evaluates a template's expressions. */
export class Evaluator implements Runtime {
  /** Source offset of the innermost expression. */
  at = 0;

  evaluate(node: Expression, scope: Scope): Value {
    spendSteps();
    return deeper(() => this.compute(node, scope));
  }

  private compute(node: Expression, scope: Scope): Value {
    this.at = node.at;
    switch (node.kind) {
      case 'constant':
        return typeof node.value === 'string' ? new Text(node.value) : node.value;
      case 'float':
        return new Float(node.value);
      case 'name':
        return scope.get(node.name);
      case 'list':
      case 'tuple':
        return new List(this.all(node.items, scope), node.kind === 'tuple');
      case 'concat':
        return this.concat(node.items, scope);
      case 'dict':
        return this.dict(node.entries, scope);
      case 'attribute': {
        const object = this.evaluate(node.object, scope);
        this.at = node.at;
        return this.attribute(object, node.name);
      }
      case 'item': {
        const object = this.evaluate(node.object, scope);
        const key = this.evaluate(node.key, scope);
        this.at = node.at;
        return this.item(object, key);
      }
      case 'slice':
        return this.slice(node.object, node.parts, scope);
      case 'call':
        return this.call(node, scope);
      case 'filter':
        return this.applyFilter(node, this.evaluate(node.value, scope), scope);
      case 'test': {
        const value = this.evaluate(node.value, scope);
        const args = this.arguments(node.call, scope);
        this.at = node.at;
        return this.test(node.name, value, args) !== node.negated;
      }
      case 'unary':
        return this.unary(node.operator, this.evaluate(node.operand, scope), node.at);
      case 'binary': {
        const left = this.evaluate(node.left, scope);
        const right = this.evaluate(node.right, scope);
        this.at = node.at;
        return binary(node.operator, left, right);
      }
      case 'logic': {
        const left = this.evaluate(node.left, scope);
        return isTruthy(left) === (node.operator === 'or') ? left : this.evaluate(node.right, scope);
      }
      case 'compare':
        return this.compare(node, scope);
      case 'condition':
        if (isTruthy(this.evaluate(node.test, scope))) return this.evaluate(node.yes, scope);
        if (node.no !== null) return this.evaluate(node.no, scope);
        return new Undefined('the condition is false and there is no "else"');
    }
  }

  /** @param caller passed by a `call` block to the macro */
  call(node: Call, scope: Scope, caller: Func | null = null): Value {
    const callee = defined(this.evaluate(node.callee, scope));
    const args = this.arguments(node.call, scope);
    this.at = node.at;
    const withCaller = caller === null ? args : { ...args, keywords: new Map(args.keywords).set('caller', caller) };
    if (callee instanceof Func) return callee.call(withCaller);
    if (callee instanceof LoopState && callee.recurse !== null) return callee.recurse(args.positional[0]);
    throw new TemplateFault(`'${typeName(callee)}' object is not callable`);
  }

  applyFilter({ name, call, at }: BlockFilter, value: Value, scope: Scope): Value {
    const args = this.arguments(call, scope);
    this.at = at;
    return this.filter(name, value, args);
  }

  filter(name: string, value: Value, args: CallArguments): Value {
    spendSteps();
    if (!Object.hasOwn(FILTERS, name)) throw new TemplateFault(`No filter named '${name}'.`);
    return FILTERS[name](value, args, this);
  }

  test(name: string, value: Value, args: CallArguments): boolean {
    spendSteps();
    if (name === 'filter' || name === 'test') {
      const [key] = args.positional;
      return isText(value) && key === undefined && Object.hasOwn(name === 'filter' ? FILTERS : TESTS, value.value);
    }
    if (!Object.hasOwn(TESTS, name)) throw new TemplateFault(`No test named '${name}'.`);
    return TESTS[name](value, args, this);
  }

  attribute(value: Value, name: string): Value {
    const object = defined(value);
    const missing = () => new Undefined(`'${objectName(value)}' has no attribute '${name}'`);
    // Jinja's sandbox hides Python's own attributes.
    if (object instanceof Dict ? /^__\w*__$/.test(name) : name.startsWith('_')) return missing();
    if (object instanceof Namespace) {
      const found = object.attributes.get(name);
      return found === undefined ? missing() : found;
    }
    if (object instanceof LoopState) return loopMethod(object, name) ?? this.loopField(object, name, missing);
    const method = methodOf(object, name);
    if (method !== undefined) return method;
    const found = object instanceof Dict ? object.text(name) : undefined;
    return found === undefined ? missing() : found;
  }

  item(value: Value, key: Value): Value {
    const object = defined(value);
    if (object instanceof Dict) {
      const found = object.item(key);
      if (found !== undefined) return found;
    }
    const index = asNumber(key);
    if (index !== null && !(key instanceof Float) && (object instanceof List || isText(object))) {
      const found = itemAt(object, index);
      return found === undefined ? new Undefined(`${objectName(object)} has no element ${index}`) : found;
    }
    if (isText(key)) return this.attribute(object, key.value);
    return new Undefined(`${objectName(object)} has no element ${repr(key).value.slice(0, 40)}`);
  }

  private loopField(loop: LoopState, name: string, missing: () => Undefined): Value {
    const found = loopAttribute(loop, name);
    return found === undefined ? missing() : found;
  }

  private all(nodes: readonly Expression[], scope: Scope): Value[] {
    return nodes.map((node) => this.evaluate(node, scope));
  }

  private concat(nodes: readonly Expression[], scope: Scope): Value {
    return joinTexts(this.all(nodes, scope).map(show));
  }

  private dict(entries: readonly (readonly [Expression, Expression])[], scope: Scope): Value {
    return dictOf(
      entries.map(([key, value]) => {
        const name = this.evaluate(key, scope);
        return [name, this.evaluate(value, scope)];
      }),
    );
  }

  private slice(object: Expression, parts: readonly (Expression | null)[], scope: Scope): Value {
    const value = this.evaluate(object, scope);
    const bounds = parts.map((part) => {
      const bound = part === null ? null : this.evaluate(part, scope);
      if (bound === null || typeof bound === 'number') return bound;
      throw new TemplateFault('slice indices must be integers or None');
    });
    return slice(defined(value), [bounds[0] ?? null, bounds[1] ?? null, bounds[2] ?? null]);
  }

  private unary(operator: 'not' | '-' | '+', operand: Value, at: number): Value {
    if (operator === 'not') return !isTruthy(operand);
    this.at = at;
    const number = asNumber(defined(operand));
    if (number === null) throw new TemplateFault(`bad operand type for unary ${operator}: '${typeName(operand)}'`);
    const signed = operator === '-' ? -number : number;
    return operand instanceof Float ? new Float(signed) : whole(signed);
  }

  private compare({ first, rest, at }: Extract<Expression, { kind: 'compare' }>, scope: Scope): Value {
    let left = this.evaluate(first, scope);
    for (const [operator, node] of rest) {
      const right = this.evaluate(node, scope);
      this.at = at;
      if (!this.holds(operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  private holds(operator: string, left: Value, right: Value): boolean {
    switch (operator) {
      case '==':
        return isEqual(left, right);
      case '!=':
        return !isEqual(left, right);
      case 'in':
        return contains(right, left);
      case 'not in':
        return !contains(right, left);
      case '<':
        return compare(left, right, operator) < 0;
      case '<=':
        return compare(left, right, operator) <= 0;
      case '>':
        return compare(left, right, operator) > 0;
      default:
        return compare(left, right, operator) >= 0;
    }
  }

  private arguments({ positional, keywords, spread, spreadKeywords }: Arguments, scope: Scope): CallArguments {
    const values = this.all(positional, scope);
    const named = new Map<string, Value>();
    for (const [name, node] of keywords) named.set(name, this.evaluate(node, scope));
    if (spread !== null) values.push(...iterate(this.evaluate(spread, scope)));
    if (spreadKeywords !== null) {
      const more = this.evaluate(spreadKeywords, scope);
      if (!(more instanceof Dict)) throw new TemplateFault('"**" must be followed by a mapping');
      for (const { key, value } of more.entries) named.set(show(key).value, value);
    }
    return { positional: values, keywords: named };
  }
}

function loopMethod(loop: LoopState, name: string): Func | undefined {
  if (name === 'cycle') {
    return new Func(name, ({ positional }) => {
      if (positional.length === 0) throw new TemplateFault('no items for cycling given');
      return positional[loop.index % positional.length];
    });
  }
  if (name !== 'changed') return undefined;
  return new Func(name, ({ positional }) => {
    const { last } = loop;
    const changed = last?.length !== positional.length || !positional.every((value, i) => isEqual(value, last[i]));
    loop.last = [...positional];
    return changed;
  });
}
