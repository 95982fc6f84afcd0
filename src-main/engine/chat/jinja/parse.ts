import type { BlockFilter, Body, Expression, Parameter, Statement, Target } from './ast.ts';
import { TemplateFault } from './fault.ts';
import { normalizeSource, tokenize } from './lexer.ts';
import { parseExpression, parseFilter, parseTuple } from './parse-expression.ts';
import { TemplateTokens } from './template-tokens.ts';

/** Jinja's tags that need other files or programs. */
const UNAVAILABLE = ['include', 'import', 'from', 'extends', 'block', 'trans', 'autoescape', 'do', 'debug'];

/**
 * @param source as in the model's file
 * @throws TemplateFault with its position in the normalized source
 */
export function parseTemplate(source: string): Body {
  const tokens = new TemplateTokens(tokenize(normalizeSource(source)));
  return new StatementParser(tokens).template();
}

function whyNot(tag: string): string {
  if (UNAVAILABLE.includes(tag)) return 'is not available in chat templates';
  return tag === 'else' || tag === 'elif' || tag.startsWith('end') ? 'does not belong here' : 'is unknown';
}

class StatementParser {
  private loops = 0;

  constructor(private readonly tokens: TemplateTokens) {}

  template(): Body {
    const body = this.statements([]);
    if (!this.tokens.is('end')) throw this.tokens.unexpected('the end of the template');
    return body;
  }

  /**
   * Parses statements up to a tag in `ends`, which becomes the current token, or to the end of the template if `ends` is
   * empty.
   */
  private statements(ends: readonly string[], opened?: { name: string; at: number }): Body {
    const { tokens } = this;
    const body: Statement[] = [];
    for (;;) {
      const { type, value, at } = tokens.next();
      if (type === 'data') body.push({ kind: 'data', text: value, at });
      else if (type === 'variable_begin') {
        body.push({ kind: 'output', value: parseTuple(tokens), at });
        tokens.expect('variable_end');
      } else if (type === 'block_begin') {
        if (tokens.isName(...ends)) return body;
        const statement = tokens.nested(() => this.statement());
        if (Array.isArray(statement)) body.push(...(statement as Statement[]));
        else body.push(statement as Statement);
        tokens.expect('block_end');
      } else {
        if (opened === undefined) return body;
        throw new TemplateFault(`this "${opened.name}" is not closed: "${ends.at(-1)}" is missing`, opened.at);
      }
    }
  }

  /** Parses the body between the end of a tag and one in `ends`. */
  private body(ends: readonly string[], opened: { name: string; at: number }): Body {
    this.tokens.skipIf('operator', ':');
    this.tokens.expect('block_end');
    return this.statements(ends, opened);
  }

  /** As `body`, and skips the tag's name. */
  private bodyTo(end: string, opened: { name: string; at: number }): Body {
    const body = this.body([end], opened);
    this.tokens.next();
    return body;
  }

  private statement(): Statement | Statement[] {
    const { tokens } = this;
    const { value: name, at } = tokens.expect('name');
    const opened = { name, at };
    switch (name) {
      case 'if':
        return this.conditional(opened);
      case 'for':
        return this.loop(opened);
      case 'set':
        return this.assignment(opened);
      case 'macro': {
        const macro = tokens.expect('name').value;
        const parameters = this.parameters();
        return { kind: 'macro', name: macro, parameters, ...this.callable('endmacro', opened), at };
      }
      case 'call': {
        const parameters = tokens.isOperator('(') ? this.parameters() : [];
        const call = parseExpression(tokens);
        if (call.kind !== 'call') throw new TemplateFault('a "call" block must call a macro', call.at);
        return { kind: 'call_block', call, parameters, ...this.callable('endcall', opened), at };
      }
      case 'filter': {
        const filters = [parseFilter(tokens), ...this.filters()];
        return { kind: 'filter_block', filters, body: this.bodyTo('endfilter', opened), at };
      }
      case 'with':
        return this.scope(opened);
      case 'generation':
        return { kind: 'block', body: this.bodyTo('endgeneration', opened), at };
      case 'print': {
        const outputs: Statement[] = [];
        while (!tokens.is('block_end')) {
          if (outputs.length > 0) tokens.expect('operator', ',');
          outputs.push({ kind: 'output', value: parseExpression(tokens), at });
        }
        return outputs;
      }
      case 'break':
      case 'continue':
        if (this.loops === 0) throw new TemplateFault(`"${name}" is outside a loop`, at);
        return { kind: name, at };
    }
    throw new TemplateFault(`the tag "${name}" ${whyNot(name)}`, at);
  }

  /** Parses the body of a macro or call block, which does not belong to a surrounding loop. */
  private callable(end: string, opened: { name: string; at: number }): { body: Body; extras: ReadonlySet<string> } {
    const { loops } = this;
    this.loops = 0;
    const { parsed: body, found: extras } = this.tokens.noting(['varargs', 'kwargs'], () => this.bodyTo(end, opened));
    this.loops = loops;
    return { body, extras };
  }

  private conditional(opened: { name: string; at: number }): Statement {
    const { tokens } = this;
    const branches: { test: Expression; body: Body }[] = [];
    let otherwise: Body = [];
    for (;;) {
      const test = parseTuple(tokens, false);
      branches.push({ test, body: this.body(['elif', 'else', 'endif'], opened) });
      const end = tokens.next().value;
      if (end === 'elif') continue;
      if (end === 'else') otherwise = this.bodyTo('endif', opened);
      return { kind: 'if', branches, otherwise, at: opened.at };
    }
  }

  private loop(opened: { name: string; at: number }): Statement {
    const { tokens } = this;
    const target = this.target();
    if (target.kind === 'name' && target.name === 'loop') {
      throw new TemplateFault('a loop cannot assign to "loop", its own variable', target.at);
    }
    tokens.expect('name', 'in');
    const items = parseTuple(tokens, false);
    const test = tokens.skipIf('name', 'if') ? parseExpression(tokens) : null;
    const recursive = tokens.skipIf('name', 'recursive');
    this.loops++;
    const body = this.body(['else', 'endfor'], opened);
    this.loops--;
    const otherwise = tokens.next().value === 'else' ? this.bodyTo('endfor', opened) : [];
    return { kind: 'for', target, items, test, recursive, body, otherwise, at: opened.at };
  }

  private assignment(opened: { name: string; at: number }): Statement {
    const { at } = opened;
    const target = this.target();
    if (this.tokens.skipIf('operator', '=')) return { kind: 'set', target, value: parseTuple(this.tokens), at };
    const filters = this.filters();
    return { kind: 'set_block', target, filters, body: this.bodyTo('endset', opened), at };
  }

  private scope(opened: { name: string; at: number }): Statement {
    const { tokens } = this;
    const bindings: [Target, Expression][] = [];
    while (!tokens.is('block_end')) {
      if (bindings.length > 0) tokens.expect('operator', ',');
      const target = this.oneTarget();
      tokens.expect('operator', '=');
      bindings.push([target, parseExpression(tokens)]);
    }
    return { kind: 'with', bindings, body: this.bodyTo('endwith', opened), at: opened.at };
  }

  private filters(): BlockFilter[] {
    const filters: BlockFilter[] = [];
    while (this.tokens.skipIf('operator', '|')) filters.push(parseFilter(this.tokens));
    return filters;
  }

  private parameters(): Parameter[] {
    const { tokens } = this;
    tokens.expect('operator', '(');
    const parameters: Parameter[] = [];
    while (!tokens.isOperator(')')) {
      if (parameters.length > 0) tokens.expect('operator', ',');
      const { value: name, at } = tokens.expect('name');
      const fallback = tokens.skipIf('operator', '=') ? parseExpression(tokens) : null;
      if (fallback === null && parameters.at(-1)?.fallback) {
        throw new TemplateFault(`the parameter "${name}" needs a default, as the one before it has one`, at);
      }
      parameters.push({ name, fallback });
    }
    tokens.expect('operator', ')');
    return parameters;
  }

  /** Parses one target, or several separated by commas. */
  private target(): Target {
    const { tokens } = this;
    const first = this.oneTarget();
    if (!tokens.isOperator(',')) return first;
    const targets = [first];
    while (tokens.skipIf('operator', ',') && tokens.is('name') && !tokens.isName('in')) targets.push(this.oneTarget());
    return { kind: 'tuple', targets, at: first.at };
  }

  private oneTarget(): Target {
    const { tokens } = this;
    const { at } = tokens.current;
    if (tokens.skipIf('operator', '(')) {
      const inner = tokens.nested(() => this.target());
      tokens.expect('operator', ')');
      return inner;
    }
    const name = tokens.expect('name').value;
    if (!tokens.skipIf('operator', '.')) return { kind: 'name', name, at };
    return { kind: 'attribute', object: name, name: tokens.expect('name').value, at };
  }
}
