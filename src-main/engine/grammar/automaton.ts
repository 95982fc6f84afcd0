import type { EngineError } from '../api/errors.ts';
import { Alphabet } from './alphabet.ts';
import type { CheckedGrammar } from './check-rules.ts';
import { CHARACTERS, END, NOT_TOKEN, RULE, TOKEN } from './grammar.ts';
import type { MinimumCosts } from './minimum-costs.ts';
import { grammarError } from './source-position.ts';
import { firstCharacter, lastCharacter } from './utf8.ts';

/** Work limit per token, in positions visited for the whole vocabulary: about a second. */
const MAX_WORK = 1_000_000;
/** Maximum number of cached states and continuations. Beyond it the cache is cleared. */
const MAX_REMEMBERED = 50_000;

/**
 * Where to continue when the current rule ends: one of `items`, or the end of the text. Callers of one rule share a
 * continuation, so that an ambiguous text does not need many stacks (Tomita 1985).
 */
interface Continuation {
  readonly id: number;
  readonly items: readonly Item[];
  /** Whether the rule is the root, so that the text may end. */
  readonly end: boolean;
  /** Cost of the cheapest completion. */
  readonly cost: number;
}

/** A position of the grammar, and where to continue at the end of its rule. */
export interface Item {
  readonly position: number;
  readonly then: Continuation;
}

/** The set of items that can follow. Equal states are one object. */
export interface State {
  readonly id: number;
  /** Items at sets of characters. */
  readonly characters: readonly Item[];
  /** Items at tokens of the vocabulary. */
  readonly tokens: readonly Item[];
  /** Whether the text may end here. */
  readonly end: boolean;
  /** Cost of the cheapest completion; Infinity when there is none. */
  readonly cost: number;
  /** `[classes]`: the state after a character of each class, if computed. */
  readonly after: (State | undefined)[];
}

/**
 * Matches a text against a grammar character by character: a recursive transition network with shared stacks, whose
 * states are created on demand. States are immutable; a state is all that is known about a position in a text.
 */
export class Automaton {
  readonly start: State;
  /** Nothing can follow, not even the end. */
  readonly dead: State;
  readonly alphabet: Alphabet;
  private readonly states = new Map<string, State>();
  private readonly continuations = new Map<string, Continuation>();
  private made = 0;
  private spent = 0;

  constructor(
    readonly grammar: CheckedGrammar,
    private readonly ways: MinimumCosts,
  ) {
    this.alphabet = new Alphabet(grammar.sets);
    this.dead = this.state(new Map(), false);
    this.start = this.close([], true);
  }

  /** Resets the work limit for the next token. */
  renewBudget(): void {
    this.spent = 0;
  }

  /**
   * @returns the state after a character; `dead` when it is not allowed
   * @throws EngineError GRAMMAR when the grammar is too ambiguous to be matched in reasonable time
   */
  step(state: State, characterClass: number): State {
    const known = state.after[characterClass];
    if (known !== undefined) return known;
    if (state.characters.length > 0) this.spend(state.characters.length, state.characters[0].position);
    const { sets, values } = this.grammar;
    const representative = this.alphabet.representatives[characterClass];
    const reached = state.characters
      .filter(({ position }) => sets[values[position]].has(representative))
      .map(({ position, then }) => ({ position: position + 1, then }));
    return (state.after[characterClass] = this.close(reached));
  }

  /**
   * The state after a token that the grammar names.
   * @param named token ids of `grammar.tokens`
   */
  stepToken(state: State, id: number, named: readonly number[]): State {
    if (state.tokens.length === 0) return this.dead;
    const { kinds, values } = this.grammar;
    const reached = state.tokens
      .filter(({ position }) => (named[values[position]] === id) === (kinds[position] === TOKEN))
      .map(({ position, then }) => ({ position: position + 1, then }));
    return this.close(reached);
  }

  /**
   * The tokens that an item allows.
   * @param named token ids of `grammar.tokens`
   * @param all tokens for text
   */
  tokensAt({ position }: Item, named: readonly number[], all: Int32Array): Iterable<number> {
    const { kinds, values } = this.grammar;
    const id = named[values[position]];
    return kinds[position] === TOKEN ? [id] : all.filter((other) => other !== id);
  }

  /** Cost of the cheapest completion after an item. */
  costBehind({ position, then }: Item): number {
    return this.costFrom(position + 1, then);
  }

  /** The union of two states. */
  either(a: State, b: State): State {
    if (a === this.dead) return b;
    if (b === this.dead) return a;
    const items = new Map<string, Item>();
    for (const item of [...a.characters, ...a.tokens, ...b.characters, ...b.tokens]) items.set(keyOf(item), item);
    return this.state(items, a.end || b.end);
  }

  /**
   * Minimum cost of a completion inside a character with `missing` bytes to follow; Infinity when none of the possible
   * characters is allowed.
   */
  costInside(state: State, value: number, missing: number): number {
    const { sets, values } = this.grammar;
    const first = firstCharacter(value, missing);
    const last = lastCharacter(value, missing);
    let cost = Number.POSITIVE_INFINITY;
    for (const { position, then } of state.characters) {
      if (sets[values[position]].meets(first, last)) cost = Math.min(cost, missing + this.costFrom(position + 1, then));
    }
    return cost;
  }

  /**
   * Computes everything that can follow `reached`: enters rules, skips rules that may be empty, and leaves completed
   * rules. A rule is entered once for all its callers, after every rule that may begin with it.
   */
  private close(reached: readonly Item[], atStart = false): State {
    const { kinds, values, mayBeEmpty, order, rules } = this.grammar;
    const terminals = new Map<string, Item>();
    const calls = new Map<number, { items: readonly Item[]; end: boolean }[]>();
    if (atStart) calls.set(0, [{ items: [], end: true }]);
    let end = atStart && mayBeEmpty[0] === 1;
    const call = (rule: number, after: number, then: Continuation): void => {
      // A tail call continues where the current rule would, so right recursion does not grow the stack.
      const returns = kinds[after] === END ? then : { items: [{ position: after, then }], end: false };
      const known = calls.get(rule);
      if (known === undefined) calls.set(rule, [returns]);
      else known.push(returns);
    };
    /** @returns whether the end of the alternative was reached */
    const follow = (start: number, then: Continuation): boolean => {
      for (let position = start; ; position++) {
        this.spend(1, position);
        switch (kinds[position]) {
          case END:
            return true;
          case RULE:
            call(values[position], position + 1, then);
            if (!mayBeEmpty[values[position]]) return false;
            break;
          case CHARACTERS:
          case TOKEN:
          case NOT_TOKEN: {
            const item = { position, then };
            terminals.set(keyOf(item), item);
            return false;
          }
        }
      }
    };

    const todo = [...reached];
    const seen = new Set<string>();
    for (let item = todo.pop(); item !== undefined; item = todo.pop()) {
      const key = keyOf(item);
      if (seen.has(key)) continue;
      seen.add(key);
      if (follow(item.position, item.then)) {
        if (item.then.end) end = true;
        todo.push(...item.then.items);
      }
    }
    while (calls.size > 0) {
      const rule = firstInOrder(calls.keys(), order);
      const callers = calls.get(rule)!;
      calls.delete(rule);
      const then = this.continuation(
        callers.flatMap(({ items }) => items),
        callers.some((caller) => caller.end),
      );
      // Empty matches of a rule entered here were handled at its call.
      for (const start of rules[rule].alternatives) follow(start, then);
    }
    return this.state(terminals, end);
  }

  /** @param at one of the positions, for the error message */
  private spend(positions: number, at: number): void {
    this.spent += positions;
    if (this.spent > MAX_WORK) throw this.tooAmbiguous(at);
  }

  private tooAmbiguous(at: number): EngineError {
    const { kinds, values, rules, source } = this.grammar;
    const rule = rules[values[kinds.indexOf(END, at)]];
    const message =
      'The grammar is too ambiguous: the text can be parsed in too many ways at once. Avoid repeating rules that may be empty, and make alternatives start differently.';
    return grammarError(message, source, rule.at);
  }

  private continuation(items: readonly Item[], end: boolean): Continuation {
    const unique = new Map(items.map((item) => [keyOf(item), item]));
    const key = `${end ? '$' : ''}${[...unique.keys()].sort().join()}`;
    const known = this.continuations.get(key);
    if (known !== undefined) return known;
    if (this.continuations.size >= MAX_REMEMBERED) this.continuations.clear();
    let cost = end ? 0 : Number.POSITIVE_INFINITY;
    for (const { position, then } of unique.values()) cost = Math.min(cost, this.costFrom(position, then));
    const made = { id: this.made++, items: [...unique.values()], end, cost };
    this.continuations.set(key, made);
    return made;
  }

  private state(items: ReadonlyMap<string, Item>, end: boolean): State {
    const key = `${end ? '$' : ''}${[...items.keys()].sort().join()}`;
    const known = this.states.get(key);
    if (known !== undefined) return known;
    if (this.states.size >= MAX_REMEMBERED) this.forgetStates();
    const { kinds } = this.grammar;
    const characters: Item[] = [];
    const tokens: Item[] = [];
    let cost = end ? 0 : Number.POSITIVE_INFINITY;
    for (const item of items.values()) {
      (kinds[item.position] === CHARACTERS ? characters : tokens).push(item);
      cost = Math.min(cost, this.costFrom(item.position, item.then));
    }
    const made = { id: this.made++, characters, tokens, end, cost, after: [] };
    this.states.set(key, made);
    return made;
  }

  /** Those in use stay usable. Nothing refers to the others any more. */
  private forgetStates(): void {
    for (const state of this.states.values()) state.after.length = 0;
    this.states.clear();
    // It is recognised by being the same object.
    this.states.set('', this.dead);
  }

  private costFrom(position: number, then: Continuation): number {
    return this.ways.fromPosition[position] + then.cost;
  }
}

function keyOf({ position, then }: Item): string {
  return `${position}:${then.id}`;
}

function firstInOrder(rules: Iterable<number>, order: Int32Array): number {
  let first = -1;
  for (const rule of rules) if (first === -1 || order[rule] < order[first]) first = rule;
  return first;
}
