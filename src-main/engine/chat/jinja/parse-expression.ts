import type { Arguments, Expression } from './ast.ts';
import { TemplateFault } from './fault.ts';
import type { TemplateTokens } from './template-tokens.ts';

const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const NO_ARGUMENTS: Arguments = { positional: [], keywords: [], spread: null, spreadKeywords: null };
const CONSTANTS: Readonly<Record<string, boolean | null>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

/** Parses an expression. `withCondition` allows `a if b else c`. */
export function parseExpression(tokens: TemplateTokens, withCondition = true): Expression {
  return tokens.nested(() => (withCondition ? parseCondition(tokens) : parseOr(tokens)));
}

/** Parses an expression, or several separated by commas, which form a tuple. */
export function parseTuple(tokens: TemplateTokens, withCondition = true): Expression {
  const { at } = tokens.current;
  const first = parseExpression(tokens, withCondition);
  if (!tokens.isOperator(',')) return first;
  const items = [first];
  while (tokens.skipIf('operator', ',') && !endsTuple(tokens)) items.push(parseExpression(tokens, withCondition));
  return { kind: 'tuple', items, at };
}

function endsTuple(tokens: TemplateTokens): boolean {
  const { type } = tokens.current;
  return type === 'variable_end' || type === 'block_end' || tokens.isOperator(')') || tokens.isName('recursive');
}

function parseCondition(tokens: TemplateTokens): Expression {
  const { at } = tokens.current;
  let yes = parseOr(tokens);
  while (tokens.skipIf('name', 'if')) {
    const test = parseOr(tokens);
    const no = tokens.skipIf('name', 'else') ? parseExpression(tokens) : null;
    yes = { kind: 'condition', test, yes, no, at };
  }
  return yes;
}

function parseOr(tokens: TemplateTokens): Expression {
  let left = parseAnd(tokens);
  while (tokens.is('name', 'or')) {
    const { at } = tokens.next();
    left = { kind: 'logic', operator: 'or', left, right: parseAnd(tokens), at };
  }
  return left;
}

function parseAnd(tokens: TemplateTokens): Expression {
  let left = parseNot(tokens);
  while (tokens.is('name', 'and')) {
    const { at } = tokens.next();
    left = { kind: 'logic', operator: 'and', left, right: parseNot(tokens), at };
  }
  return left;
}

function parseNot(tokens: TemplateTokens): Expression {
  if (!tokens.is('name', 'not')) return parseCompare(tokens);
  const { at } = tokens.next();
  return { kind: 'unary', operator: 'not', operand: tokens.nested(() => parseNot(tokens)), at };
}

function parseCompare(tokens: TemplateTokens): Expression {
  const { at } = tokens.current;
  const first = parseSum(tokens);
  const rest: [string, Expression][] = [];
  for (;;) {
    if (tokens.isOperator(...COMPARISONS)) rest.push([tokens.next().value, parseSum(tokens)]);
    else if (tokens.skipIf('name', 'in')) rest.push(['in', parseSum(tokens)]);
    else if (tokens.is('name', 'not') && tokens.look().value === 'in') {
      tokens.next();
      tokens.next();
      rest.push(['not in', parseSum(tokens)]);
    } else break;
  }
  return rest.length === 0 ? first : { kind: 'compare', first, rest, at };
}

/** Parses left-associative operators of one precedence. */
function parseBinary(
  tokens: TemplateTokens,
  operators: readonly string[],
  parseOperand: (tokens: TemplateTokens) => Expression,
): Expression {
  let left = parseOperand(tokens);
  while (tokens.isOperator(...operators)) {
    const { value: operator, at } = tokens.next();
    left = { kind: 'binary', operator, left, right: parseOperand(tokens), at };
  }
  return left;
}

function parseSum(tokens: TemplateTokens): Expression {
  return parseBinary(tokens, ['+', '-'], parseConcat);
}

function parseConcat(tokens: TemplateTokens): Expression {
  const { at } = tokens.current;
  const items = [parseProduct(tokens)];
  while (tokens.skipIf('operator', '~')) items.push(parseProduct(tokens));
  return items.length === 1 ? items[0] : { kind: 'concat', items, at };
}

function parseProduct(tokens: TemplateTokens): Expression {
  return parseBinary(tokens, ['*', '/', '//', '%'], parsePower);
}

function parsePower(tokens: TemplateTokens): Expression {
  return parseBinary(tokens, ['**'], (stream) => parseUnary(stream));
}

function parseUnary(tokens: TemplateTokens, withFilter = true): Expression {
  const { at } = tokens.current;
  let node: Expression;
  if (tokens.isOperator('-', '+')) {
    const operator = tokens.next().value as '-' | '+';
    node = { kind: 'unary', operator, operand: tokens.nested(() => parseUnary(tokens, false)), at };
  } else node = parsePrimary(tokens);
  node = parsePostfix(tokens, node);
  return withFilter ? parseFilters(tokens, node) : node;
}

function parsePrimary(tokens: TemplateTokens): Expression {
  const { type, value, at } = tokens.current;
  switch (type) {
    case 'name':
      tokens.next();
      return Object.hasOwn(CONSTANTS, value)
        ? { kind: 'constant', value: CONSTANTS[value], at }
        : { kind: 'name', name: value, at };
    case 'string': {
      let text = '';
      while (tokens.is('string')) text += tokens.next().value;
      return { kind: 'constant', value: text, at };
    }
    case 'integer':
      tokens.next();
      return { kind: 'constant', value: wholeNumber(value, at), at };
    case 'float':
      tokens.next();
      return { kind: 'float', value: Number(value.replaceAll('_', '')), at };
    default:
      return parseBracketed(tokens);
  }
}

function parseBracketed(tokens: TemplateTokens): Expression {
  const { at } = tokens.current;
  if (tokens.isOperator('(')) return parseParentheses(tokens);
  if (tokens.isOperator('[')) {
    tokens.next();
    return { kind: 'list', items: parseItems(tokens, ']'), at };
  }
  if (tokens.isOperator('{')) return parseDict(tokens);
  throw tokens.unexpected('an expression');
}

function wholeNumber(digits: string, at: number): number {
  const value = Number(digits.replaceAll('_', ''));
  if (Number.isSafeInteger(value)) return value;
  throw new TemplateFault(`the number ${digits.slice(0, 40)} is too large`, at);
}

function parseParentheses(tokens: TemplateTokens): Expression {
  const { at } = tokens.next();
  const inner: Expression = tokens.isOperator(')') ? { kind: 'tuple', items: [], at } : parseTuple(tokens);
  tokens.expect('operator', ')');
  return inner;
}

/** Parses comma-separated expressions up to and including `closing`; a trailing comma is allowed. */
function parseItems(tokens: TemplateTokens, closing: string): Expression[] {
  const items: Expression[] = [];
  while (!tokens.isOperator(closing)) {
    if (items.length > 0) {
      tokens.expect('operator', ',');
      if (tokens.isOperator(closing)) break;
    }
    items.push(parseExpression(tokens));
  }
  tokens.expect('operator', closing);
  return items;
}

function parseDict(tokens: TemplateTokens): Expression {
  const { at } = tokens.next();
  const entries: [Expression, Expression][] = [];
  while (!tokens.isOperator('}')) {
    if (entries.length > 0) {
      tokens.expect('operator', ',');
      if (tokens.isOperator('}')) break;
    }
    const key = parseExpression(tokens);
    tokens.expect('operator', ':');
    entries.push([key, parseExpression(tokens)]);
  }
  tokens.expect('operator', '}');
  return { kind: 'dict', entries, at };
}

function parsePostfix(tokens: TemplateTokens, node: Expression): Expression {
  for (;;) {
    const { at } = tokens.current;
    if (tokens.skipIf('operator', '.')) node = parseAttribute(tokens, node, at);
    else if (tokens.skipIf('operator', '[')) node = parseSubscript(tokens, node, at);
    else if (tokens.isOperator('(')) node = { kind: 'call', callee: node, call: parseArguments(tokens), at: node.at };
    else return node;
  }
}

function parseAttribute(tokens: TemplateTokens, object: Expression, at: number): Expression {
  const { type, value } = tokens.current;
  if (type === 'integer') {
    tokens.next();
    return { kind: 'item', object, key: { kind: 'constant', value: wholeNumber(value, at), at }, at };
  }
  return { kind: 'attribute', object, name: tokens.expect('name').value, at };
}

function parseSubscript(tokens: TemplateTokens, object: Expression, at: number): Expression {
  const part = () => (tokens.isOperator(':', ']') ? null : parseExpression(tokens));
  const first = part();
  if (!tokens.isOperator(':')) {
    tokens.expect('operator', ']');
    if (first === null) throw new TemplateFault('the brackets are empty', at);
    return { kind: 'item', object, key: first, at };
  }
  const parts = [first];
  while (parts.length < 3 && tokens.skipIf('operator', ':')) parts.push(part());
  tokens.expect('operator', ']');
  return { kind: 'slice', object, parts, at };
}

function parseFilters(tokens: TemplateTokens, node: Expression): Expression {
  for (;;) {
    if (tokens.skipIf('operator', '|')) node = { kind: 'filter', value: node, ...parseFilter(tokens) };
    else if (tokens.is('name', 'is')) node = parseTest(tokens, node);
    else if (tokens.isOperator('(')) node = { kind: 'call', callee: node, call: parseArguments(tokens), at: node.at };
    else return node;
  }
}

/** Parses a filter's name and arguments, after the `|`. */
export function parseFilter(tokens: TemplateTokens): { name: string; call: Arguments; at: number } {
  const { value: name, at } = tokens.expect('name');
  return { name, call: tokens.isOperator('(') ? parseArguments(tokens) : NO_ARGUMENTS, at };
}

function parseTest(tokens: TemplateTokens, value: Expression): Expression {
  const { at } = tokens.next();
  const negated = tokens.skipIf('name', 'not');
  const name = tokens.expect('name').value;
  let call = NO_ARGUMENTS;
  if (tokens.isOperator('(')) call = parseArguments(tokens);
  else if (beginsOperand(tokens)) {
    const operand = tokens.nested(() => parsePostfix(tokens, parsePrimary(tokens)));
    call = { ...NO_ARGUMENTS, positional: [operand] };
  }
  return { kind: 'test', value, name, call, negated, at };
}

function beginsOperand(tokens: TemplateTokens): boolean {
  if (tokens.isName('else', 'or', 'and', 'is', 'if', 'not', 'in')) return false;
  return ['name', 'string', 'integer', 'float'].includes(tokens.current.type) || tokens.isOperator('[', '{');
}

function parseArguments(tokens: TemplateTokens): Arguments {
  const { at } = tokens.expect('operator', '(');
  const positional: Expression[] = [];
  const keywords: [string, Expression][] = [];
  let spread: Expression | null = null;
  let spreadKeywords: Expression | null = null;
  const misplaced = () => new TemplateFault('the arguments of this call are in the wrong order', at);
  for (let more = false; !tokens.isOperator(')'); more = true) {
    if (more) {
      tokens.expect('operator', ',');
      if (tokens.isOperator(')')) break;
    }
    if (tokens.skipIf('operator', '*')) {
      if (spread || spreadKeywords) throw misplaced();
      spread = parseExpression(tokens);
    } else if (tokens.skipIf('operator', '**')) {
      if (spreadKeywords) throw misplaced();
      spreadKeywords = parseExpression(tokens);
    } else if (tokens.is('name') && tokens.look().type === 'operator' && tokens.look().value === '=') {
      if (spreadKeywords) throw misplaced();
      const name = tokens.next().value;
      tokens.next();
      keywords.push([name, parseExpression(tokens)]);
    } else {
      if (spread || spreadKeywords || keywords.length > 0) throw misplaced();
      positional.push(parseExpression(tokens));
    }
  }
  tokens.expect('operator', ')');
  return { positional, keywords, spread, spreadKeywords };
}
