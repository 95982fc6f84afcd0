import type { BlockFilter, Body, Callable, Expression, Statement, Target } from './ast.ts';
import { deeper, spendCharacters, spendSteps } from './budget.ts';
import { Evaluator } from './evaluator.ts';
import { TemplateFault } from './fault.ts';
import { iterate } from './sequence.ts';
import { show } from './show.ts';
import { joinTexts, Text } from './text.ts';
import {
  Dict,
  Func,
  isTruthy,
  LoopState,
  Namespace,
  Undefined,
  List,
  typeName,
  type CallArguments,
  type Value,
} from './values.ts';
import { Scope } from './scope.ts';

/** A range of the output that was written while a loop was at one message. */
export interface OwnedStretch {
  readonly start: number;
  readonly end: number;
  readonly message: number;
}

type Signal = 'next' | 'break' | 'continue';

/** Executes a template's statements. */
export class Interpreter {
  private readonly evaluator = new Evaluator();
  private parts: { text: Text; owner: number | null }[] = [];
  /** The message of the innermost loop over messages. */
  private owner: number | null = null;

  /** Current source offset, for errors. */
  get at(): number {
    return this.evaluator.at;
  }

  run(body: Body, scope: Scope): { text: Text; owners: OwnedStretch[] } {
    this.execute(body, scope);
    const owners: OwnedStretch[] = [];
    let start = 0;
    for (const { text, owner } of this.parts) {
      const end = start + text.size;
      const last = owners.at(-1);
      if (owner !== null && last?.message === owner && last.end === start) owners[owners.length - 1] = { ...last, end };
      else if (owner !== null && end > start) owners.push({ start, end, message: owner });
      start = end;
    }
    return { text: joinTexts(this.parts.map(({ text }) => text)), owners };
  }

  private execute(body: Body, scope: Scope): Signal {
    return deeper(() => {
      for (const statement of body) {
        const signal = this.statement(statement, scope);
        if (signal !== 'next') return signal;
      }
      return 'next';
    });
  }

  private statement(statement: Statement, scope: Scope): Signal {
    spendSteps();
    this.evaluator.at = statement.at;
    switch (statement.kind) {
      case 'data':
        this.write(new Text(statement.text));
        return 'next';
      case 'output':
        this.write(show(this.evaluate(statement.value, scope)));
        return 'next';
      case 'if': {
        const taken = statement.branches.find(({ test }) => isTruthy(this.evaluate(test, scope)));
        return this.execute(taken?.body ?? statement.otherwise, scope);
      }
      case 'for':
        return this.loop(statement, scope, this.evaluate(statement.items, scope), 0);
      case 'set':
        this.assign(statement.target, this.evaluate(statement.value, scope), scope);
        return 'next';
      case 'set_block': {
        const text = this.capture(statement.body, new Scope(scope));
        this.assign(statement.target, this.filtered(text, statement.filters, scope), scope);
        return 'next';
      }
      case 'filter_block':
        this.write(show(this.filtered(this.capture(statement.body, new Scope(scope)), statement.filters, scope)));
        return 'next';
      case 'with': {
        const inner = new Scope(scope);
        for (const [target, value] of statement.bindings) this.assign(target, this.evaluate(value, scope), inner);
        return this.execute(statement.body, inner);
      }
      case 'macro':
        scope.set(statement.name, this.macro(statement.name, statement, scope));
        return 'next';
      case 'call_block': {
        const caller = this.macro('caller', statement, scope);
        this.write(show(this.evaluator.call(statement.call, scope, caller)));
        return 'next';
      }
      case 'block':
        return this.execute(statement.body, scope);
      case 'break':
      case 'continue':
        return statement.kind;
    }
  }

  private evaluate(expression: Expression, scope: Scope): Value {
    return this.evaluator.evaluate(expression, scope);
  }

  private write(text: Text): void {
    // The final join costs it again; here the error gets its position in the template.
    spendCharacters(text.size);
    if (text.size > 0) this.parts.push({ text, owner: this.owner });
  }

  /** The output of a body, as a text. */
  private capture(body: Body, scope: Scope): Text {
    const { parts } = this;
    this.parts = [];
    this.execute(body, scope);
    const captured = joinTexts(this.parts.map(({ text }) => text));
    this.parts = parts;
    return captured;
  }

  private filtered(text: Text, filters: readonly BlockFilter[], scope: Scope): Value {
    return filters.reduce<Value>((value, filter) => this.evaluator.applyFilter(filter, value, scope), text);
  }

  private loop(statement: Extract<Statement, { kind: 'for' }>, scope: Scope, over: Value, depth: number): Signal {
    const { target, test, body, otherwise } = statement;
    this.evaluator.at = statement.at;
    let items = iterate(over);
    if (test !== null) {
      items = items.filter((item) => {
        const inner = new Scope(scope);
        this.assign(target, item, inner);
        return isTruthy(this.evaluate(test, inner));
      });
    }
    if (items.length === 0) return this.execute(otherwise, new Scope(scope));
    const recurse = !statement.recursive
      ? null
      : (inner: Value): Value => {
          const { parts } = this;
          this.parts = [];
          this.loop(statement, scope, inner, depth + 1);
          const captured = joinTexts(this.parts.map(({ text }) => text));
          this.parts = parts;
          return captured;
        };
    const state = new LoopState(items, depth, recurse);
    const { owner } = this;
    let signal: Signal = 'next';
    for (let i = 0; i < items.length && signal !== 'break'; i++) {
      spendSteps();
      state.index = i;
      const item = items[i];
      if (item instanceof Dict && item.message !== null) this.owner = item.message;
      const inner = new Scope(scope);
      inner.set('loop', state);
      this.assign(target, item, inner);
      signal = this.execute(body, inner);
    }
    this.owner = owner;
    return 'next';
  }

  private assign(target: Target, value: Value, scope: Scope): void {
    spendSteps();
    switch (target.kind) {
      case 'name':
        return scope.set(target.name, value);
      case 'attribute': {
        const object = scope.get(target.object);
        if (object instanceof Namespace) {
          object.attributes.set(target.name, value);
          return;
        }
        throw new TemplateFault('cannot assign attribute on non-namespace object', target.at);
      }
      case 'tuple': {
        const { targets } = target;
        if (value === null || value instanceof Undefined) {
          throw new TemplateFault(`cannot unpack non-iterable ${typeName(value)} object`, target.at);
        }
        const items = iterate(value);
        if (items.length > targets.length) {
          throw new TemplateFault(`too many values to unpack (expected ${targets.length})`, target.at);
        }
        if (items.length < targets.length) {
          throw new TemplateFault(
            `not enough values to unpack (expected ${targets.length}, got ${items.length})`,
            target.at,
          );
        }
        targets.forEach((part, i) => this.assign(part, items[i], scope));
      }
    }
  }

  /** A function that renders a body in the scope of its definition. */
  private macro(name: string, { parameters, extras, body }: Callable, scope: Scope): Func {
    return new Func(name, ({ positional, keywords }: CallArguments) => {
      const inner = new Scope(scope);
      const left = new Map(keywords);
      const caller = left.get('caller');
      if (caller !== undefined && !parameters.some((parameter) => parameter.name === 'caller')) {
        inner.set('caller', caller);
        left.delete('caller');
      }
      const missing: (typeof parameters)[number][] = [];
      parameters.forEach((parameter, i) => {
        const value = positional[i] === undefined ? left.get(parameter.name) : positional[i];
        if (positional[i] === undefined) left.delete(parameter.name);
        if (value === undefined) missing.push(parameter);
        inner.set(
          parameter.name,
          value === undefined ? new Undefined(`parameter '${parameter.name}' was not provided`) : value,
        );
      });
      if (extras.has('kwargs')) inner.set('kwargs', keywordDict(left));
      else if (left.size > 0) {
        throw new TemplateFault(`macro '${name}' takes no keyword argument '${[...left.keys()][0]}'`);
      }
      if (extras.has('varargs')) inner.set('varargs', new List(positional.slice(parameters.length), true));
      else if (positional.length > parameters.length) {
        throw new TemplateFault(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
      }
      for (const { name: parameter, fallback } of missing) {
        if (fallback !== null) inner.set(parameter, this.evaluate(fallback, inner));
      }
      return this.capture(body, inner);
    });
  }
}

function keywordDict(keywords: ReadonlyMap<string, Value>): Dict {
  return new Dict(new Map(Array.from(keywords, ([name, value]) => [`s${name}`, { key: new Text(name), value }])));
}
