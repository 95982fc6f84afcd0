import type { EngineError } from '../api/errors.ts';
import { Alphabet } from './alphabet.ts';
import type { CheckedGrammar } from './check-rules.ts';
import { CHARACTERS, END, NOT_TOKEN, RULE, TOKEN } from './grammar.ts';
import type { ShortestWays } from './shortest.ts';
import { grammarError } from './source-position.ts';
import { firstCharacter, lastCharacter } from './utf8.ts';

/** Positions looked at for one token, in all of the vocabulary: about a second. */
const MAX_WORK = 1_000_000;
/** States and continuations remembered. Beyond it they are forgotten and made anew when they come again. */
const MAX_REMEMBERED = 50_000;

/**
 * Where to go on when the rule that is being read ends: one of `items`, or the end of the text. Several callers of one
 * rule share one, so that a text that can be read in many ways does not need as many stacks (Tomita 1985).
 */
interface Continuation {
  readonly id: number;
  readonly items: readonly Item[];
  /** The rule is the root, so the text may end. */
  readonly end: boolean;
  /** Cost of the cheapest way from here to the end. */
  readonly cost: number;
}

/** A position of the grammar, and where to go on at the end of its rule. */
export interface Item {
  readonly position: number;
  readonly then: Continuation;
}

/** Everything that can come next. Equal states are one object. */
export interface State {
  readonly id: number;
  /** At sets of characters. */
  readonly characters: readonly Item[];
  /** At tokens of the vocabulary. */
  readonly tokens: readonly Item[];
  /** The text may end here. */
  readonly end: boolean;
  /** Cost of the cheapest way to the end; Infinity when there is none. */
  readonly cost: number;
  /** `[classes]`: the state after a character of the class, as far as known. */
  readonly after: (State | undefined)[];
}

/**
 * Follows a grammar character by character: a recursive transition network with shared stacks, whose states are made
 * when they are first reached. States are immutable; a position in a text is a state and nothing else.
 */
export class Automaton {
  readonly start: State;
  /** Nothing can come next, not even the end. */
  readonly dead: State;
  readonly alphabet: Alphabet;
  private readonly states = new Map<string, State>();
  private readonly continuations = new Map<string, Continuation>();
  private made = 0;
  private spent = 0;

  constructor(
    readonly grammar: CheckedGrammar,
    private readonly ways: ShortestWays,
  ) {
    this.alphabet = new Alphabet(grammar.sets);
    this.dead = this.state(new Map(), false);
    this.start = this.close([], true);
  }

  /** What is computed from here on is for another token. */
  renewBudget(): void {
    this.spent = 0;
  }

  /**
   * @returns the state after a character; `dead` when it cannot come here
   * @throws EngineError GRAMMAR when the grammar is too ambiguous to be followed in reasonable time
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
   * The state after a token as such, where the grammar names it.
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
   * @param all tokens that text is made of
   */
  tokensAt({ position }: Item, named: readonly number[], all: Int32Array): Iterable<number> {
    const { kinds, values } = this.grammar;
    const id = named[values[position]];
    return kinds[position] === TOKEN ? [id] : all.filter((other) => other !== id);
  }

  /** Cost of the cheapest way to the end behind an item. */
  costBehind({ position, then }: Item): number {
    return this.costFrom(position + 1, then);
  }

  /** The state in which everything of both can come next. */
  either(a: State, b: State): State {
    if (a === this.dead) return b;
    if (b === this.dead) return a;
    const items = new Map<string, Item>();
    for (const item of [...a.characters, ...a.tokens, ...b.characters, ...b.tokens]) items.set(keyOf(item), item);
    return this.state(items, a.end || b.end);
  }

  /**
   * What the end costs at least inside a character, of which `missing` bytes are still to come: Infinity when none of
   * the characters that it may become can come next.
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
   * Everything that can be read next from `reached`: enters rules, goes on behind rules that may be empty, leaves rules
   * that ended. A rule is entered once for all its callers, after every rule that may begin with it.
   */
  private close(reached: readonly Item[], atStart = false): State {
    const { kinds, values, mayBeEmpty, order, rules } = this.grammar;
    const terminals = new Map<string, Item>();
    const calls = new Map<number, { items: readonly Item[]; end: boolean }[]>();
    if (atStart) calls.set(0, [{ items: [], end: true }]);
    let end = atStart && mayBeEmpty[0] === 1;
    const call = (rule: number, after: number, then: Continuation): void => {
      // A call at the end of a rule goes on where that rule would: right recursion does not pile up.
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
      // That a rule entered here ends at once was dealt with where it was called.
      for (const start of rules[rule].alternatives) follow(start, then);
    }
    return this.state(terminals, end);
  }

  /** @param at one of the positions, to say where the time went */
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
    if (this.states.size >= MAX_REMEMBERED) this.states.clear();
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
