import type { CodePointSet } from './code-point-set.ts';

/**
 * Right-hand side of a grammar rule, created by the GBNF parser and the JSON schema compiler for `compileRules`. `at` is
 * the offset in the source, for messages.
 */
export type Expression =
  | { kind: 'characters'; set: CodePointSet }
  | { kind: 'text'; text: string }
  | { kind: 'sequence'; items: readonly Expression[] }
  | { kind: 'choice'; options: readonly Expression[] }
  /** `max` null: unlimited. */
  | { kind: 'repeat'; item: Expression; min: number; max: number | null; at: number }
  | { kind: 'rule'; name: string; at: number }
  /** One token of the vocabulary, or any other token. */
  | { kind: 'token'; token: TokenName; negated: boolean; at: number };

/** A token by its id, or by its text in angle brackets. */
export type TokenName = { id: number } | { piece: string };

export interface Rule {
  readonly expression: Expression;
  /** Offset in the source. */
  readonly at: number;
}

/** A grammar: rules by name, starting with `root`. */
export interface GrammarRules {
  readonly rules: ReadonlyMap<string, Rule>;
  /** The text that offsets refer to. */
  readonly source: string;
  /** Whether rules come from schemas, so that their names are meaningless to people. */
  readonly isSchema: boolean;
}

export const EMPTY: Expression = { kind: 'sequence', items: [] };

export function text(literal: string): Expression {
  return { kind: 'text', text: literal };
}

export function characters(set: CodePointSet): Expression {
  return { kind: 'characters', set };
}

export function sequence(...items: Expression[]): Expression {
  return items.length === 1 ? items[0] : { kind: 'sequence', items };
}

export function choice(...options: Expression[]): Expression {
  return choiceOf(options);
}

/** A choice among any number of options, at least one. */
export function choiceOf(options: readonly Expression[]): Expression {
  return options.length === 1 ? options[0] : { kind: 'choice', options };
}

export function optional(item: Expression): Expression {
  return choice(item, EMPTY);
}

export function repeat(item: Expression, min: number, max: number | null, at: number): Expression {
  return { kind: 'repeat', item, min, max, at };
}
