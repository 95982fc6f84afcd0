import { END, RULE, type Grammar } from './grammar.ts';
import { minimumCosts } from './minimum-costs.ts';
import { grammarError } from './source-position.ts';

/** Limit on the shortest text in characters, beyond which no reply can follow the grammar. */
const MAX_SHORTEST = 100_000;

/** A valid grammar, with data for matching. */
export interface CheckedGrammar extends Grammar {
  /** `[rules]` whether the rule may derive the empty text. */
  readonly mayBeEmpty: Uint8Array;
  /** `[rules]` an order in which every rule comes after those that may begin with it. */
  readonly order: Int32Array;
}

/**
 * @throws EngineError GRAMMAR for rules that never end, left recursion, grammars that allow only the empty text, and
 * grammars whose shortest text is too long
 */
export function checkRules(grammar: Grammar): CheckedGrammar {
  const { rules } = grammar;
  const { ofRule } = minimumCosts(grammar, () => 1);
  for (const [rule, { name, at }] of rules.entries()) {
    if (ofRule[rule] === Number.POSITIVE_INFINITY) {
      const message = grammar.isSchema
        ? 'A value of this schema never ends: it must contain another one. Make the inner one optional or nullable.'
        : `The rule ${name} never ends: every alternative leads back to it. Add one that does not.`;
      throw grammarError(message, grammar.source, at);
    }
  }
  const mayBeEmpty = Uint8Array.from(ofRule, (cost) => (cost === 0 ? 1 : 0));
  const order = orderByFirst(grammar, mayBeEmpty);
  if (!grammar.kinds.some((kind) => kind !== END && kind !== RULE)) {
    throw grammarError('The grammar allows only the empty text.', grammar.source, rules[0].at);
  }
  if (ofRule[0] > MAX_SHORTEST) {
    const message = `The shortest text the grammar allows has more than ${MAX_SHORTEST} characters. Use fewer repetitions.`;
    throw grammarError(message, grammar.source, rules[0].at);
  }
  return { ...grammar, mayBeEmpty, order };
}

/** Orders rules by what they may begin with (Kahn 1962). The remaining ones are left-recursive. */
function orderByFirst(grammar: Grammar, mayBeEmpty: Uint8Array): Int32Array {
  const { rules, source } = grammar;
  const firsts = rules.map((_, rule) => firstRules(grammar, mayBeEmpty, rule));
  const callers = new Int32Array(rules.length);
  for (const called of firsts) for (const rule of called) callers[rule]++;
  const ready = [...rules.keys()].filter((rule) => callers[rule] === 0);
  const order = new Int32Array(rules.length).fill(-1);
  let next = 0;
  for (let rule = ready.pop(); rule !== undefined; rule = ready.pop()) {
    order[rule] = next++;
    for (const called of firsts[rule]) if (--callers[called] === 0) ready.push(called);
  }
  if (next === rules.length) return order;

  const cycle = findCycle(firsts, order);
  const repeated = cycle.find((rule) => rules[rule].repetition);
  if (repeated !== undefined && cycle.length === 1) {
    throw grammarError(
      'The repeated part may be empty, so it could repeat forever. Make it match at least one character.',
      source,
      rules[repeated].at,
    );
  }
  if (grammar.isSchema)
    throw grammarError('This schema refers to itself and to nothing else.', source, rules[cycle[0]].at);
  const named = [...new Set([...cycle, cycle[0]].map((rule) => rules[rule].name))];
  const way = named.length > 1 ? ` (${[...named, named[0]].join(' → ')})` : '';
  throw grammarError(
    `The rule ${named[0]} starts with itself${way} (left recursion). Make it match something first, or repeat with * or +.`,
    source,
    rules[cycle[0]].at,
  );
}

/** The rules with which `rule` may begin, with repetitions. */
function firstRules({ kinds, values, rules }: Grammar, mayBeEmpty: Uint8Array, rule: number): number[] {
  const first: number[] = [];
  for (const start of rules[rule].alternatives) {
    for (let position = start; kinds[position] === RULE; position++) {
      first.push(values[position]);
      if (!mayBeEmpty[values[position]]) break;
    }
  }
  return first;
}

/** Follows unordered rules until one repeats. @returns the cycle, named rules first */
function findCycle(firsts: readonly number[][], order: Int32Array): number[] {
  // Rules after a cycle are unordered, too, so go backwards: each of these has an unordered caller.
  const callerOf = new Int32Array(order.length).fill(-1);
  firsts.forEach((called, rule) => {
    if (order[rule] === -1) for (const first of called) callerOf[first] = rule;
  });
  let rule = order.indexOf(-1);
  const seen = new Set<number>();
  while (!seen.has(rule)) {
    seen.add(rule);
    rule = callerOf[rule];
  }
  const cycle = [rule];
  for (let caller = callerOf[rule]; caller !== rule; caller = callerOf[caller]) cycle.unshift(caller);
  const first = cycle.indexOf(Math.min(...cycle));
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
